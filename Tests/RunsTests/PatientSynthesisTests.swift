import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Networks
import PipelineSupport
import Runs
import Testing
import Torch
import Training

@Suite struct PatientSynthesisTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  @discardableResult
  private func synthesize(
    _ t1: String, _ t2: String, to output: String, _ change: (inout PatientSynthesis) -> Void = { _ in }
  ) throws -> Sidecar {
    var job = PatientSynthesis(model: try Trained.model(), output: output)
    change(&job)
    return try job.run([(.t1, t1), (.t2, t2)])
  }

  private func files() throws -> (t1: String, t2: String) {
    (try Trained.path(5, .t1), try Trained.path(5, .t2))
  }

  /// A folder takes one contrast as it takes several, and an estimate is of the same files.
  @Test func aFolderTakesWhateverIsMade() throws {
    let (t1, t2) = try files()
    let given = [(modality: Modality.t1, path: t1), (modality: .t2, path: t2)]
    try synthesize(t1, t2, to: scratch("one/"))
    #expect(scratch.files(in: "one") == ["pd.json", "pd.nii.gz"])
    let again = try failure { try synthesize(t1, t2, to: scratch("one")) }
    #expect(again.kind == .cannotWrite && again.message.contains("one/pd.nii.gz: exists already"))

    var experiment = tinyExperiment(method: "unified", network: "agi-net", iterations: 2)
    experiment.scenario = Scenario(completing: [.t1, .t2, .pd, .flair])
    try makeBIDS(scratch("raw"), modalities: [.t1, .t2, .pd, .flair])
    let model = try Run.train(experiment, on: prepared(scratch), into: scratch("run")).model(device: .cpu)
    func job(_ output: String, _ targets: [Modality]? = nil, verifies: Bool = true) -> PatientSynthesis {
      var job = PatientSynthesis(model: model, output: scratch(output))
      (job.targets, job.acceptsDoubts, job.verifies) = (targets, true, verifies)
      return job
    }
    let before = scratch.files()
    let both = try job("many/").estimate(given)
    #expect(both.verifying > 0 && both.verifying < both.batches)
    // Of a contrast that is hidden all are made; without that, only what is wanted is kept.
    #expect(try job("many/", [.pd]).estimate(given).images == both.images)
    let (two, one) = try (
      job("many/", verifies: false).estimate(given), job("many/", [.pd], verifies: false).estimate(given)
    )
    #expect(two.images < both.images && one.images < two.images && one.verifying == 0)
    #expect(try job("pd.nii.gz", [.pd]).estimate(given).batches == both.batches)
    #expect(scratch.files() == before && !FileManager.default.fileExists(atPath: scratch("many")))
    for work in [{ _ = try job("pd.nii.gz").estimate(given) }, { _ = try job("pd.nii.gz").runAll(given) }] {
      let several = try failure(work)
      #expect(several.kind == .usage && several.message.contains("2 contrasts are made; name a folder"))
    }

    _ = try job("many/", [.flair]).runAll(given)
    #expect(scratch.files(in: "many") == ["flair.json", "flair.nii.gz"])
    // Of the two one is there.
    for work in [{ _ = try job("many").estimate(given) }, { _ = try job("many").runAll(given) }] {
      #expect(try failure(work).message.contains("many/flair.nii.gz: exists already"))
    }
    _ = try job("many", [.pd]).estimate(given)
    _ = try job("many", [.pd]).runAll(given)
    #expect(scratch.files(in: "many").count == 4)
  }

  /// What would have been refused and was gone on with stands in the sidecar; others have no word of it.
  @Test func whatWasOverruledIsInTheSidecar() throws {
    func sidecar(_ size: SIMD3<Int>, _ name: String) throws -> [String: Any] {
      try NIfTI.write(scan(.t1, subject: 1, size: size), to: scratch("\(name)-t1.nii"))
      var job = PatientSynthesis(model: try Trained.anySubset(), output: scratch("\(name).nii"))
      (job.targets, job.acceptsDoubts) = ([.t2], true)
      _ = try job.run([(.t1, scratch("\(name)-t1.nii"))])
      let data = Data(try scratch.text("\(name).json").utf8)
      return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    }
    #expect(try sidecar([64, 72, 24], "head")["Overruled"] == nil)
    let small = try sidecar(scanSize, "small")
    let reasons = try #require(small["Overruled"] as? [String])
    #expect(reasons.count == 1 && reasons[0].contains("litres"), "\(reasons)")
    #expect((small["Notes"] as? [String])?.contains(reasons[0]) == true)
    // Whoever reads the notes alone is told of it before all else.
    let told = try #require(Sidecar(at: scratch("small.json")))
    #expect(told.tellingNotes.first == "REFUSED but for acceptsDoubts: \(reasons[0])")
    #expect(told.tellingNotes.count == told.notes.count)
  }

  /// What a slice of the volume gets from `evaluate` and what the patient gets from `synthesize` is one thing.
  @Test func theVolumeHoldsWhatEvaluationScores() throws {
    let (t1, t2) = try files()
    try synthesize(t1, t2, to: scratch("pd.nii.gz"))
    let volume = try NIfTI.read(path: scratch("pd.nii.gz")).volume
    let (model, cohort) = (try Trained.model(), try Trained.cohort())
    let batches = try cohort.batches(in: .test, scenario: model.card.scenario, batchSize: 5)
    var slices = 0
    for batch in try batches.all() {
      let predicted = try model.predictor(batch)
      for (place, reference) in batch.references.enumerated() {
        #expect(reference.subject == "sub-05")
        var largest: Float = 0
        for row in 0..<30 {
          for column in 0..<28 {
            // 28 x 30 lies in the middle of 32 x 32.
            let value = predicted[(place * 32 + row + 1) * 32 + column + 2]
            let voxel = volume.voxels[column + 28 * (row + 30 * reference.slice)]
            largest = max(largest, abs(voxel - min(1, max(0, value))))
          }
        }
        // The store keeps 16 bits of each source voxel.
        #expect(largest < 1e-3)
        slices += 1
      }
    }
    #expect(slices == 5)
  }

  /// 48 orientations, each with the next of the codes, types, endings and kinds of slope.
  @Test func theOutputLiesOnTheInputsGrid() throws {
    let codes = [(sform: 2, qform: 0), (0, 1), (1, 3), (4, 4)]
    let types = [Datatype.uint8, .int16, .uint16, .float32, .float64]
    let (model, upright) = (try Trained.model(), scratch("upright.nii"))
    try NIfTI.write(whole(.t1), as: .uint8, to: scratch("t1.nii"))
    try NIfTI.write(whole(.t2), as: .uint8, to: scratch("t2.nii"))
    try synthesize(scratch("t1.nii"), scratch("t2.nii"), to: upright)
    let expected = try NIfTI.read(path: upright).volume.voxels
    #expect(Set(expected).count > 1000)

    for (number, orientation) in Orientation.all.enumerated() {
      let ending = number % 2 == 0 ? "nii" : "nii.gz"
      let inputs = try [Modality.t1, .t2].map { modality in
        let path = scratch("\(number)-\(modality.rawValue).\(ending)")
        let volume = whole(modality).reoriented(to: orientation)
        try NIfTI.write(volume, as: types[number % 5], to: path)
        if ending == "nii" { try setCodes(codes[number / 2 % 4], of: path) }
        return path
      }
      let output = scratch("\(number)-pd.\(number % 3 == 0 ? "nii" : "nii.gz")")
      var job = PatientSynthesis(model: model, output: output)
      job.batchSize = 1 + number % 3
      _ = try job.run([(.t2, inputs[1]), (.t1, inputs[0])])
      let (source, made) = (try NIfTI.readHeader(path: inputs[0]), try NIfTI.read(path: output))
      #expect(made.header.grid == source.grid)
      #expect((made.header.sformCode, made.header.qformCode) == (source.sformCode, source.qformCode))
      #expect(made.header.pixelDimensions == source.pixelDimensions)
      #expect(made.header.dimensions == source.dimensions && made.header.units == source.units)
      #expect(Orientation(of: made.header.grid.affine) == orientation)
      let differences = zip(made.volume.reoriented(to: .lps).voxels, expected).map { abs($0 - $1) }
      #expect((differences.max() ?? 1) < 1e-5, "\(orientation)")
    }
  }

  /// Whole numbers that every type holds.
  private func whole(_ modality: Modality) -> Volume {
    var volume = scan(modality, subject: 5)
    let highest = volume.voxels.max() ?? 1
    for index in volume.voxels.indices {
      volume.voxels[index] = (volume.voxels[index] / highest * 255).rounded()
    }
    return volume
  }

  /// `qform_code` and `sform_code` of an uncompressed NIfTI-1 file: 16 bits each at byte 252.
  private func setCodes(_ codes: (sform: Int, qform: Int), of path: String) throws {
    var bytes = try #require(contents(of: path))
    (bytes[252], bytes[254]) = (UInt8(codes.qform), UInt8(codes.sform))
    try bytes.write(to: URL(fileURLWithPath: path))
  }

  @Test func theSidecarTellsWhereItCameFrom() throws {
    let (t1, t2) = try files()
    let sidecar = try synthesize(t1, t2, to: scratch("pd.nii.gz")) { $0.intensity = .reference }
    let data = try #require(contents(of: scratch("pd.json")))
    let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(json["SynthesizedModality"] as? String == "pd")
    let warning = try #require(json["Warning"] as? String)
    #expect(
      warning.hasPrefix("SYNTHETIC image computed from T1, T2; not acquired. May omit or invent findings."))
    #expect(warning.hasSuffix("Research use only; not a medical device; not for diagnosis."))
    let model = try Trained.run().folder.model
    #expect(json["ModelSHA256"] as? String == (try SHA256.ofFile(model).digest))
    #expect(json["Sources"] as? [String] == ["sub-05_T1w.nii.gz", "sub-05_T2w.nii.gz"])
    let sources = try #require(json["SourceDetails"] as? [[String: Any]])
    #expect(sources.map { $0["file"] as? String } == ["sub-05_T1w.nii.gz", "sub-05_T2w.nii.gz"])
    let scale = try IntensityScale(of: NIfTI.read(path: t1).volume.voxels)
    #expect(sources[0]["scale"] as? Double == scale.upper)
    #expect(sidecar.intensityRule.hasPrefix("reference") && sidecar.intensityFactor > 100)
    #expect(json["IntensityFactor"] as? Double == sidecar.intensityFactor)
    // Who moves the volume without its sidecar still reads what it is.
    let description = try NIfTI.readHeader(path: scratch("pd.nii.gz")).description
    #expect(description.hasPrefix("SYNTHETIC PD, not acquired"))
  }

  @Test func anInputIsNeverOverwritten() throws {
    let (t1, t2) = try files()
    for name in ["t1.nii.gz", "t2.nii.gz"] {
      try FileManager.default.copyItem(atPath: name == "t1.nii.gz" ? t1 : t2, toPath: scratch(name))
    }
    try FileManager.default.createSymbolicLink(
      atPath: scratch("link.nii.gz"), withDestinationPath: scratch("t1.nii.gz"))
    let before = contents(of: scratch("t1.nii.gz"))
    for name in ["t1.nii.gz", "link.nii.gz"] {
      let failure = try failure {
        try synthesize(scratch("t1.nii.gz"), scratch("t2.nii.gz"), to: scratch(name)) { $0.replaces = true }
      }
      #expect(failure.kind == .refused && failure.message.contains(name))
    }
    #expect(contents(of: scratch("t1.nii.gz")) == before)
  }

  @Test func oneFileIsNotTwoModalities() throws {
    let t1 = try files().t1
    let failure = try failure { try synthesize(t1, t1, to: scratch("pd.nii")) }
    #expect(failure.kind == .inconsistent)
    #expect(failure.message.contains("T1 and as T2"))
  }

  /// What the header and the extensions of a source say of a person reaches neither volume nor sidecar.
  @Test func nothingOfThePatientIsPassedOn() throws {
    let files = try files()
    var paths: [String] = []
    for (name, path) in [("a.nii", files.t1), ("b.nii", files.t2)] {
      try NIfTI.write(try NIfTI.read(path: path).volume, to: scratch(name))
      var data = try #require(contents(of: scratch(name)))
      for (place, count) in [(4, 10), (14, 18), (148, 80), (228, 24), (328, 16)] {
        let text = Array(
          "Mustermann^Erika 1955-01-31 id 4711 of a hospital and much more that nobody shall know".utf8)
        data.replaceSubrange(place..<place + count, with: text[..<count])
      }
      let words = Array("Mustermann^Erika".utf8)
      var extensions: [UInt8] = [1, 0, 0, 0]
      for code: UInt8 in [2, 4, 6] {
        extensions += [32, 0, 0, 0, code, 0, 0, 0] + words + [UInt8](repeating: 0, count: 8)
      }
      data.replaceSubrange(348..<352, with: extensions)
      data.replaceSubrange(
        108..<112,
        with: withUnsafeBytes(of: Float(348 + extensions.count).bitPattern.littleEndian) { Array($0) })
      try data.write(to: URL(fileURLWithPath: scratch(name)))
      #expect(data.range(of: Data("Mustermann".utf8)) != nil)
      paths.append(scratch(name))
    }
    try synthesize(paths[0], paths[1], to: scratch("pd.nii"))
    for name in ["pd.nii", "pd.json"] {
      let made = try #require(contents(of: scratch(name)))
      #expect(
        made.range(of: Data("Muster".utf8)) == nil && made.range(of: Data("4711".utf8)) == nil, "\(name)")
      // Folders are the user's own; a file's name stands in the sidecar, as BIDS asks.
      #expect(made.range(of: Data(scratch.path.utf8)) == nil)
    }
    // The answer is that of the same scans without names.
    try synthesize(files.t1, files.t2, to: scratch("plain.nii"))
    #expect(contents(of: scratch("pd.nii")) == contents(of: scratch("plain.nii")))
  }

  @Test func anExistingSidecarStopsTheWorkToo() throws {
    let (t1, t2) = try files()
    try scratch.write("mine", to: "pd.json")
    #expect(try failure { try synthesize(t1, t2, to: scratch("pd.nii")) }.kind == .cannotWrite)
    #expect(scratch.files() == ["pd.json"])
    try FileManager.default.createDirectory(atPath: scratch("out.json"), withIntermediateDirectories: true)
    let failure = try failure { try synthesize(t1, t2, to: scratch("out.nii.gz")) { $0.replaces = true } }
    #expect(failure.kind == .cannotWrite && failure.message.contains("folder"))
    #expect(scratch.files() == ["pd.json"])
  }

  @Test func aModelWhoseCardIsAnothersIsRefused() throws {
    let model = try Trained.run().folder.model
    let file = try Safetensors(contentsOf: model)
    var experiment = tinyExperiment()
    experiment.scenario.sources = [.t2, .t1]
    var metadata = file.metadata
    metadata["aginet.experiment"] = try experiment.json
    let tensors = file.entries.map { entry in
      Safetensors.Tensor(
        entry.name, entry.type, shape: entry.shape, data: file.withBytes(of: entry) { Data($0) })
    }
    try Safetensors.write(tensors, metadata: metadata, to: scratch("model.safetensors"))
    let failure = try failure { _ = try TrainedModel(file: scratch("model.safetensors"), device: .cpu) }
    #expect(failure.kind == .invalidModel)
    // A network of another width does not fit the weights.
    experiment = tinyExperiment()
    experiment.network.width = 8
    metadata["aginet.experiment"] = try experiment.json
    try Safetensors.write(tensors, metadata: metadata, to: scratch("model.safetensors"))
    let other = try PipelineSupport.failure {
      _ = try TrainedModel(file: scratch("model.safetensors"), device: .cpu)
    }
    #expect(other.kind == .invalidModel && other.message.contains("shape"))
  }
}
