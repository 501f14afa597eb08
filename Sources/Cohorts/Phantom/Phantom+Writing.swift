import Failures
import Files
import Foundation
import Imaging

extension Phantom {
  /// Writes the cohort as a BIDS folder, which appears whole or not at all.
  ///
  /// Volumes are 16-bit `.nii.gz` with a sidecar each; lesions lie under `derivatives/lesions`.
  /// - Parameters:
  ///   - force: whether a phantom that is there already is replaced; nothing else ever is.
  ///   - progress: called with the number of subjects done and their total.
  /// - Throws: `.cannotWrite` if the folder is taken or cannot be written.
  public func write(
    to folder: String, force: Bool = false, threads: Int = Parallel.coreCount,
    progress: (Int, Int) throws -> Void = { _, _ in }
  ) throws {
    let output = try AtomicFolder(folder, of: .phantom, replacing: force)
    do {
      try write(into: output, threads: threads, progress: progress)
      try output.commit()
    } catch {
      output.discard()
      throw error
    }
  }

  private func write(into output: AtomicFolder, threads: Int, progress: (Int, Int) throws -> Void) throws {
    var table = "participant_id\tmagnetic_field_strength\tlesion\n"
    var hasLesions = false
    for index in 0..<options.subjects {
      let subject = subject(index, threads: threads)
      let anat = try output.folder("\(subject.id)/anat")
      for scan in subject.scans {
        let name = "\(anat)/\(subject.id)_\(Self.suffix(scan.modality))"
        try NIfTI.write(
          scan.volume, as: .int16, description: "PHANTOM computed from the ICBM 152 atlas; not a person",
          to: "\(name).nii.gz", level: 1, threads: threads)
        try AtomicFile.write(sidecar(of: scan, subject), to: "\(name).json")
      }
      if let labels = subject.labels {
        hasLesions = true
        let anat = try output.folder("derivatives/lesions/\(subject.id)/anat")
        let suffix = subject.lesion == .tumour ? "dseg" : "label-lesion_mask"
        try NIfTI.write(
          labels, as: .int16, description: "PHANTOM lesion labels",
          to: "\(anat)/\(subject.id)_\(suffix).nii.gz",
          threads: threads)
      }
      table += "\(subject.id)\t\(subject.fieldStrength)\t\(subject.lesion.rawValue)\n"
      try progress(index + 1, options.subjects)
    }
    try output.write(table, to: "participants.tsv")
    try output.write(Self.participants, to: "participants.json")
    try output.write(Self.notice, to: "README")
    if hasLesions {
      try output.write(
        Self.description("Lesions of the phantom", "derivative"), to: Self.derivativeDescription)
      try output.write(Self.labelTable, to: "derivatives/lesions/dseg.tsv")
    }
    try output.write(options.json() + "\n", to: "phantom.json")
    try output.write(Self.description("Phantom", "raw"), to: Self.marker)
  }

  /// A scan's file name after the subject, as BIDS has it.
  static func suffix(_ modality: Modality) -> String {
    switch modality {
    case .t1: "T1w"
    case .t2: "T2w"
    case .pd: "PDw"
    case .flair: "FLAIR"
    case .t1gd: "ce-gadolinium_T1w"
    }
  }

  /// How the scan was made, in the fields of BIDS (seconds, degrees, tesla), and its shift in mm.
  private func sidecar(of scan: PhantomSubject.Scan, _ subject: PhantomSubject) -> String {
    let sequence = PulseSequence(scan.modality, fieldStrength: subject.fieldStrength)
    func text(_ value: Double) -> String { "\((value * 1e6).rounded() / 1e6)" }
    var lines = [
      "\"Manufacturer\": \"none (computed)\"",
      "\"MagneticFieldStrength\": \(text(subject.fieldStrength))",
      "\"RepetitionTime\": \(text(sequence.repetition))",
      "\"EchoTime\": \(text(sequence.echo))",
    ]
    switch sequence.kind {
    case .spinEcho:
      lines += ["\"ScanningSequence\": \"SE\"", "\"FlipAngle\": 90"]
    case .spoiledGradientEcho(let flip):
      lines += [
        "\"ScanningSequence\": \"GR\"", "\"SequenceVariant\": \"SP\"", "\"FlipAngle\": \(text(flip))",
      ]
    case .inversionRecovery(let inversion):
      lines += [
        "\"ScanningSequence\": [\"SE\", \"IR\"]", "\"FlipAngle\": 90",
        "\"InversionTime\": \(text(inversion))",
      ]
    case .preparedGradientEcho(let flip, let inversion, _, _):
      lines += [
        "\"ScanningSequence\": [\"GR\", \"IR\"]", "\"SequenceVariant\": [\"SP\", \"MP\"]",
        "\"FlipAngle\": \(text(flip))", "\"InversionTime\": \(text(inversion))",
      ]
    }
    if sequence.gadolinium > 0 { lines.append("\"ContrastBolusIngredient\": \"GADOLINIUM\"") }
    lines.append("\"SkullStripped\": true")
    let shift = (0..<3).map { text(scan.shift[$0]) }.joined(separator: ", ")
    lines.append("\"PhantomShift\": [\(shift)]")
    return "{\n  " + lines.joined(separator: ",\n  ") + "\n}\n"
  }

  private static let derivativeDescription = "derivatives/lesions/dataset_description.json"

  private static func description(_ name: String, _ type: String) -> String {
    """
    {
      "Name": "\(name)",
      "BIDSVersion": "1.10.0",
      "DatasetType": "\(type)",
      "GeneratedBy": [{"Name": "\(Self.generator)"}]
    }

    """
  }

  private static let participants = """
    {
      "magnetic_field_strength": {"Description": "Field strength that the scans are computed for", "Units": "T"},
      "lesion": {
        "Description": "What is wrong with the subject",
        "Levels": {
          "none": "healthy",
          "tumour": "glioma, with labels 1 core, 2 oedema, 3 enhancing",
          "multiple-sclerosis": "white-matter lesions, with label 1"
        }
      }
    }

    """

  private static let labelTable =
    "index\tname\tabbreviation\n1\tnecrotic or not enhancing core\tNCR\n2\toedema\tED\n3\tenhancing tumour\tET\n"

  private static let notice = """
    A phantom: no person was scanned
    ================================

    These volumes are computed from an anatomical atlas and the signal equations of magnetic resonance. They serve
    to try out software. PhantomShift in a sidecar is the displacement in mm (right, anterior, superior) of the
    anatomy in that scan against the subject's T1w scan; phantom.json holds the settings, which make the same
    volumes again. Heads are without skull because the atlas is.

    The anatomy comes from the ICBM 152 nonlinear atlas, version 2009a symmetric. Please cite:

      Fonov VS, Evans AC, McKinstry RC, Almli CR, Collins DL. Unbiased nonlinear average age-appropriate brain
      templates from birth to adulthood. NeuroImage 2009; 47 (Supplement 1): S102.
      Fonov V, Evans AC, Botteron K, Almli CR, McKinstry RC, Collins DL. Unbiased average age-appropriate
      atlases for pediatric studies. NeuroImage 2011; 54(1): 313-327.

    Copyright (C) 1993-2004 Louis Collins, McConnell Brain Imaging Centre, Montreal Neurological Institute,
    McGill University. Permission to use, copy, modify, and distribute this software and its documentation for
    any purpose and without fee is hereby granted, provided that the above copyright notice appear in all
    copies. The authors and McGill University make no representations about the suitability of this software
    for any purpose. It is provided "as is" without express or implied warranty. The authors are not
    responsible for any data loss, equipment damage, property loss, or injury to subjects or patients resulting
    from the use or misuse of this software package.

    """
}

extension Phantom {
  /// The file that says what wrote the folder; BIDS demands it.
  static let marker = "dataset_description.json"
  /// What computed the scans, as `GeneratedBy` in that file names it.
  public static let generator = "aginet phantom"
}

extension AtomicFolder.Kind {
  /// A folder that `Phantom.write` wrote.
  static let phantom = AtomicFolder.Kind("phantom") { folder in
    let marker = FileManager.default.contents(atPath: "\(folder)/\(Phantom.marker)") ?? Data()
    return String(decoding: marker, as: UTF8.self).contains("\"\(Phantom.generator)\"")
  } owns: { name in
    let files = [
      Phantom.marker, "participants.tsv", "participants.json", "README", "phantom.json", "derivatives",
    ]
    return files.contains(name) || name.hasPrefix("sub-")
  }
}
