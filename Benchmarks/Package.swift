// swift-tools-version: 6.2
import PackageDescription

// What measures, and the README's example: programs of another package, which see no more of aginet than its products.

// As in the package itself.
let libTorch = Context.environment["AGINET_RPATH"] ?? Context.packageDirectory + "/../.libtorch/lib"

let package = Package(
  name: "benchmarks",
  dependencies: [
    .package(name: "aginet", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
  ],
  targets: [
    // What `make bench` runs; the PyTorch peer lies beside it.
    .executableTarget(
      name: "aginet-bench",
      dependencies: [
        .product(name: "Aginet", package: "aginet"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], path: "aginet-bench"),
    // The README shows it.
    .executableTarget(
      name: "example", dependencies: [.product(name: "Aginet", package: "aginet")], path: "Example"),
  ],
  swiftLanguageModes: [.v6])

for target in package.targets {
  target.swiftSettings = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
  ]
  target.linkerSettings = [.unsafeFlags(["-Xlinker", "-rpath", "-Xlinker", libTorch])]
}
