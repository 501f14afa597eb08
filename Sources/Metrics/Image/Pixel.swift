/// The element types an image may have; all arithmetic on them is in `Double`.
protocol Pixel: Sendable { var value: Double { get } }

extension Float: Pixel {
  @inline(__always) var value: Double { Double(self) }
}

extension Double: Pixel {
  @inline(__always) var value: Double { self }
}
