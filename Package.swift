// swift-tools-version: 6.2
import PackageDescription

// The plain half (imaging, cohorts, metrics) builds and tests without LibTorch:
//   AGINET_WITHOUT_LIBTORCH=1 swift build --scratch-path .build-plain
let withoutLibTorch = Context.environment["AGINET_WITHOUT_LIBTORCH"] != nil

// Set-up puts LibTorch, or links to one, here; only the rpath cannot come from libtorch.pc.
let libTorch = Context.environment["AGINET_RPATH"] ?? Context.packageDirectory + "/.libtorch/lib"

let plain: [Target] = [
  .target(name: "Failures"),
  .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
  .target(name: "CGuard"),
  // Ends a program where memory cannot be had, so it belongs to programs alone.
  .target(name: "CAllocation", dependencies: ["CGuard"]),
  // Starts a program anew, so it belongs to programs alone.
  .target(name: "CWaiting"),
  .target(name: "Files", dependencies: ["CGuard", "Failures"]),
  .target(name: "Imaging", dependencies: ["CZlib", "Files", "Failures"]),
  .target(name: "Metrics", dependencies: ["Imaging", "Files"]),
  .target(name: "Cohorts", dependencies: ["Imaging", "Files", "Failures"]),
  .target(name: "ScanSupport", dependencies: ["Files"], path: "Tests/ScanSupport"),
  .testTarget(name: "FilesTests", dependencies: ["ScanSupport", "Files", "Failures"]),
  .testTarget(name: "ImagingTests", dependencies: ["ScanSupport", "Imaging", "Files", "Failures", "CZlib"]),
  .testTarget(name: "MetricsTests", dependencies: ["ScanSupport", "Metrics", "Imaging", "Files"]),
  .testTarget(
    name: "CohortsTests", dependencies: ["ScanSupport", "Cohorts", "Imaging", "Files", "Failures"]),
]

let withTensors: [Target] = [
  .systemLibrary(name: "CLibTorch", pkgConfig: "libtorch"),
  // Names of Gloo's, which c10d's headers ask for, lie there. With the define LibTorch's headers, too, ask for the operators
  // that they call; without it those of autograd bring all of them, which takes longer to compile and is the same.
  .target(
    name: "CTorch", dependencies: ["CLibTorch"],
    cxxSettings: [.headerSearchPath("ranks"), .define("AT_PER_OPERATOR_HEADERS")]),
  .target(name: "Torch", dependencies: ["CTorch", "CGuard", "Failures"]),
  .target(name: "Layers", dependencies: ["Torch", "Files", "Failures"]),
  .target(name: "Networks", dependencies: ["Layers", "Torch", "Files", "Failures"]),
  .target(name: "Methods", dependencies: ["Networks", "Layers", "Torch", "Imaging", "Files", "Failures"]),
  // One road through a network: numbers in, numbers out.
  .target(
    name: "Inference",
    dependencies: ["Methods", "Layers", "Torch", "Cohorts", "Metrics", "Imaging", "Files", "Failures"]),
  .target(
    name: "Training",
    dependencies: [
      "Inference", "Methods", "Layers", "Torch", "Cohorts", "Imaging", "Files", "Failures",
    ]),
  .target(
    name: "Experiments",
    dependencies: [
      "Training", "Inference", "Methods", "Networks", "Layers", "Torch", "Cohorts", "Imaging", "Files",
      "Failures",
    ]),
  .target(
    name: "Runs",
    dependencies: [
      "Experiments", "Training", "Inference", "Methods", "Layers", "Torch", "Cohorts", "Imaging", "Metrics",
      "Files", "Failures",
    ]),
  .target(
    name: "Paper",
    dependencies: [
      "Runs", "Experiments", "Training", "Inference", "Methods", "Networks", "Layers", "Torch", "Cohorts",
      "Imaging", "Metrics", "Files", "Failures",
    ]),
  .target(
    name: "Reporting",
    dependencies: [
      "Paper", "Runs", "Experiments", "Training", "Inference", "Methods", "Networks", "Layers", "Torch",
      "Metrics", "Cohorts", "Imaging", "Files", "Failures",
    ]),
  .executableTarget(
    name: "aginet",
    dependencies: [
      "Reporting", "Paper", "Runs", "Experiments", "Methods", "Networks", "Training", "Inference", "Cohorts",
      "Imaging",
      "Metrics", "Layers", "Torch", "Files", "CAllocation", "CWaiting", "CGuard", "Failures",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ]),
  .target(
    name: "PipelineSupport",
    dependencies: [
      "Runs", "Experiments", "Torch", "Methods", "Networks", "Cohorts", "Imaging", "Files", "Failures",
    ],
    path: "Tests/PipelineSupport"),
  .testTarget(
    name: "TrainingTests",
    dependencies: [
      "ScanSupport", "PipelineSupport", "Experiments", "Training", "Inference", "Methods", "Networks",
      "Layers",
      "Torch", "Cohorts", "Imaging", "Files", "Failures",
    ]),
  .testTarget(
    name: "InferenceTests",
    dependencies: [
      "ScanSupport", "PipelineSupport", "Inference", "Methods", "Layers", "Torch", "Cohorts", "Imaging",
      "Failures",
    ]),
  .testTarget(
    name: "ExperimentsTests",
    dependencies: [
      "ScanSupport", "PipelineSupport", "Experiments", "Training", "Inference", "Methods", "Networks",
      "Layers", "Torch", "Cohorts", "Imaging", "Metrics", "Files", "Failures",
    ]),
  .testTarget(
    name: "RunsTests",
    dependencies: [
      "ScanSupport", "TestSupport", "PipelineSupport", "Runs", "Experiments", "Training", "Inference",
      "Methods", "Networks",
      "Layers", "Torch", "Cohorts", "Imaging", "Metrics", "Files", "Failures",
    ]),
  .testTarget(
    name: "PaperTests",
    dependencies: [
      "ScanSupport", "PipelineSupport", "Paper", "Runs", "Experiments", "Training", "Inference", "Methods",
      "Networks",
      "Layers", "Torch", "Cohorts", "Imaging", "Metrics", "Files", "Failures",
    ]),
  .testTarget(
    name: "AginetTests",
    dependencies: ["aginet", "ScanSupport", "PipelineSupport", "Cohorts", "Imaging", "Files", "Failures"]),
  .target(
    name: "TestSupport", dependencies: ["Layers", "Torch", "Files", "Failures"], path: "Tests/TestSupport"),
  .testTarget(
    name: "TorchTests", dependencies: ["ScanSupport", "TestSupport", "Torch", "CTorch", "Failures"]),
  .testTarget(
    name: "LayersTests", dependencies: ["ScanSupport", "TestSupport", "Layers", "Torch", "Files", "Failures"]),
  .testTarget(
    name: "NetworksTests",
    dependencies: ["ScanSupport", "TestSupport", "Networks", "Layers", "Torch", "Files"]),
  .testTarget(
    name: "MethodsTests",
    dependencies: [
      "ScanSupport", "TestSupport", "Methods", "Networks", "Layers", "Torch", "Imaging", "Files", "Failures",
    ]),
  .testTarget(
    name: "ReportingTests",
    dependencies: [
      "ScanSupport", "PipelineSupport", "Reporting", "Paper", "Runs", "Experiments", "Training", "Inference",
      "Metrics", "Cohorts", "Imaging", "Methods", "Networks", "Torch", "Files", "Failures",
    ]),
]

// For other packages: the half without LibTorch, and the whole.
let plainProducts: [Product] = [
  .library(name: "AginetImaging", targets: ["Imaging", "Cohorts", "Metrics", "Files", "Failures"])
]

let products: [Product] = [
  .library(
    name: "Aginet",
    targets: [
      "Torch", "Layers", "Networks", "Methods", "Training", "Inference", "Experiments", "Runs", "Paper",
      "Reporting", "Imaging", "Cohorts", "Metrics", "Files", "Failures",
    ]),
  .executable(name: "aginet", targets: ["aginet"]),
]

let package = Package(
  name: "aginet",
  products: plainProducts + (withoutLibTorch ? [] : products),
  dependencies: withoutLibTorch
    ? []
    : [.package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2")],
  targets: plain + (withoutLibTorch ? [] : withTensors),
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .gnucxx20)

for target in package.targets where target.type != .system {
  if !["CTorch", "CGuard", "CAllocation", "CWaiting"].contains(target.name) {
    target.swiftSettings = [
      .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
    ]
  }
  // Only what is linked needs to find LibTorch; a library must not ask for unsafe flags.
  if !withoutLibTorch, [.executable, .test].contains(target.type) {
    target.linkerSettings = [.unsafeFlags(["-Xlinker", "-rpath", "-Xlinker", libTorch])]
  }
}
