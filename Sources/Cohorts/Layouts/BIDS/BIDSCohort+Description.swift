import Files
import Foundation

extension BIDSCohort {
  /// The phantom, where `GeneratedBy` in `dataset_description.json` names it. Other names are nobody's business here.
  public var generatedBy: [String] {
    let path = "\(folder)/dataset_description.json"
    let facts = try? FileManager.default.attributesOfItem(atPath: path)
    guard facts?[.type] as? FileAttributeType == .typeRegular, (facts?[.size] as? Int ?? .max) <= 1 << 20,
      let data = FileManager.default.contents(atPath: path),
      let document = try? StrictJSON.parse(data, file: path)
    else { return [] }
    let names = document["GeneratedBy"]?.elements?.compactMap { $0["Name"]?.string } ?? []
    return names.contains(Phantom.generator) ? [Phantom.generator] : []
  }
}
