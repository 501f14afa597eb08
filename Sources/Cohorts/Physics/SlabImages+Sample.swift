import Imaging

extension SlabImages {
  /// From a slab of a head to one sample: images as scanners make them, what they would be without noise, bias and
  /// displacement, and how much errors count.
  ///
  /// - Parameters:
  ///   - random: of this sample alone.
  ///   - sample: which of a batch it is. Images lie contrast by contrast within a sample, `answers` (by contrast) and weights
  ///     sample by sample, all of rows x columns.
  func compute(
    _ slab: HeadSlab, _ modalities: [Modality], _ options: PhysicsOptions, _ random: inout RandomSource,
    images: UnsafeMutableBufferPointer<Float>, answers: inout [[Float]], weights: inout [Float], sample: Int
  ) {
    guard let images = images.baseAddress else { return }
    let size = rows * columns
    var (table, sequences) = SignalTable.drawn(
      modalities, options, isStripped: slab.isStripped, volumes: slab.volumes, &random)
    // Over face and neck what label maps call fat is mostly muscle, glands and mucosa.
    let loose = random.uniform(options.looseFat)
    if slab.isOverFace { table.loosenFat(loose) }
    let draws = ImageDraw.all(table, sequences, volumes: slab.volumes, in: slab.plane, options, &random)
    let (planes, step) = (slab.extent.planes, slab.planeSpacing)
    sum(
      slab, table,
      given: draws.map { $0.resolution.weights(planes: planes, spacing: step, offset: $0.shift.z) },
      asked: draws.map { $0.targetResolution.weights(planes: planes, spacing: step, offset: 0) },
      TextureMix(options, &random), &random)
    receive(draws, voxel: slab.voxel, isStripped: slab.isStripped, options, &random)
    let mask = mask(of: slab)
    for (lane, draw) in draws.enumerated() {
      let image = images + (sample * draws.count + lane) * size
      take(lane, of: given)
      blur(draw.resolution.kernels(voxel: slab.voxel))
      if draw.ghost > 0 { haunt(Float(draw.ghost), down: draw.ghostIsDown) }
      resample(draw, voxel: slab.voxel, into: image)
      finish(draw, mask: mask, image)
      take(lane, of: asked)
      blur(draw.targetResolution.kernels(voxel: slab.voxel))
      answers[lane].withUnsafeMutableBufferPointer { answers in
        guard let answer = answers.baseAddress.map({ $0 + sample * size }) else { return }
        crop(into: answer)
        for index in mask.indices { answer[index] = min(answer[index] * mask[index], 4) }
      }
    }
    weights.withUnsafeMutableBufferPointer { weights in
      if let weights = weights.baseAddress {
        weigh(slab, mask: mask, options, into: weights + sample * size)
      }
    }
  }
}
