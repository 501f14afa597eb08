import Failures
import Files
import Foundation

/// What set-up put beside the program.
public enum Installation {
  /// Folders in which set-up's results may lie: the current one, then the program's and the three above it.
  private static var roots: [String] {
    var folder = Path.folder(URL(fileURLWithPath: program).resolvingSymlinksInPath().path)
    var roots = [FileManager.default.currentDirectoryPath]
    for _ in 0..<4 {
      roots.append(folder)
      folder = Path.folder(folder)
    }
    return roots
  }

  private static var program: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
  }

  /// The folder with the anatomical atlas: `$AGINET_ATLAS_DIR`, or `.atlas` where set-up put it.
  /// - Throws: `.notFound` with the command that fetches it.
  public static func atlas() throws -> String {
    if let given = ProcessInfo.processInfo.environment["AGINET_ATLAS_DIR"] { return given }
    for root in roots where FileManager.default.fileExists(atPath: root + "/.atlas") {
      return root + "/.atlas"
    }
    throw Failure(
      .notFound, "the anatomical atlas is not here (.atlas): run \(Term.setup), or set AGINET_ATLAS_DIR")
  }

  /// Folders in which the models that come with the program may lie: `$AGINET_MODELS` alone where that is set, else what
  /// was installed beside the program, and that of a clone.
  public static var modelFolders: [String] {
    if let given = ProcessInfo.processInfo.environment["AGINET_MODELS"], !given.isEmpty { return [given] }
    return roots.flatMap { ["\($0)/share/aginet/models", "\($0)/Support/models"] }.filter {
      FileManager.default.fileExists(atPath: $0)
    }
  }

  /// The LibTorch that is loaded in this process.
  public static var libTorch: String? {
    guard let maps = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8) else { return nil }
    let line = maps.split(separator: "\n").first { $0.hasSuffix("libtorch_cpu.so") }
    return line.flatMap { $0.split(separator: " ").last.map(String.init) }
  }

  /// How set-up came by LibTorch, in words.
  public static var origin: String? {
    for root in roots {
      guard let text = try? String(contentsOfFile: root + "/.libtorch/origin", encoding: .utf8) else {
        continue
      }
      var fields: [Substring: Substring] = [:]
      for line in text.split(separator: "\n") {
        let parts = line.split(separator: "=", maxSplits: 1)
        if parts.count == 2 { fields[parts[0]] = parts[1] }
      }
      return
        "version \(fields["version"] ?? "?") from \(fields["source"] ?? "?"), CUDA \(fields["cuda"] ?? "?")"
    }
    return nil
  }
}
