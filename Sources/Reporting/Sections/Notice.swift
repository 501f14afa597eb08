import Cohorts

/// Licences that this program knows it owes.
public enum Notice {
  /// The atlas from which phantoms are computed.
  public static let atlas =
    "The phantom's anatomy comes from the ICBM 152 nonlinear atlas, version 2009a symmetric (Fonov et al., NeuroImage "
    + "2009; 47 Supplement 1: S102; NeuroImage 2011; 54(1): 313-327). Copyright (C) 1993-2004 Louis Collins, McConnell "
    + "Brain Imaging Centre, Montreal Neurological Institute, McGill University. Permission to use, copy, modify, and "
    + "distribute this software and its documentation for any purpose and without fee is hereby granted, provided that "
    + "the above copyright notice appear in all copies. The authors and McGill University make no representations about "
    + "the suitability of this software for any purpose. It is provided \"as is\" without express or implied warranty. "
    + "The authors are not responsible for any data loss, equipment damage, property loss, or injury to subjects or "
    + "patients resulting from the use or misuse of this software package."

  /// Stores of before it was kept what computed the scans know phantoms by the folder's name alone.
  package static func known(for manifest: CohortManifest) -> [String] {
    let isPhantom =
      manifest.generatedBy.map { $0.contains(Phantom.generator) }
      ?? manifest.name.lowercased().contains("phantom")
    return isPhantom ? [atlas] : []
  }
}
