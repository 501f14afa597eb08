extension Collection<UInt8> {
  /// The same without the mark of UTF-8 that some editors begin a file with.
  package var withoutByteOrderMark: SubSequence {
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    return starts(with: mark) ? dropFirst(mark.count) : self[...]
  }
}
