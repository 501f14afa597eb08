import ArgumentParser
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Torch

struct Models: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the models that come with the program, show one's card, and make files of others.",
    discussion: example(
      "aginet models", "aginet models show run/model.safetensors",
      "aginet models pack run --card card.json -o mine-1.safetensors"),
    subcommands: [List.self, Show.self, Pack.self, Average.self], defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the models that come with the program, and whether they are whole.")

    func run() throws {
      guard !ShippedModel.all.isEmpty else {
        return try Console.result("this version comes without a model")
      }
      let states = ShippedModel.all.map { ($0, $0.state) }
      try Console.result(states.flatMap { model, state in [(model.name, state.words), ("", model.summary)] })
      if let failure = states.compactMap(\.1.failure).first { throw failure }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print a model's card.")

    @Argument(
      help:
        "A model's name, a .safetensors file or a run folder (default: the newest that came with the program)."
    )
    var model: String?

    func run() throws { try Console.result(modelRows(ShippedModel.file(model))) }
  }

  struct Pack: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write a run's model for others: weights in half the space, and a card that tells all.",
      discussion: example("aginet models pack run --card card.json -o mine-1.safetensors"))

    @Argument(help: ArgumentHelp("A run folder, or a .safetensors file.", valueName: "run"))
    var trained: String
    @Option(name: .shortAndLong, help: "The file to write.")
    var output: String
    @Option(
      help: "JSON of what the card tells: name, licence, anatomies, limits, results, citations.")
    var card: String
    @Option(help: "The model's name, in place of the card's.")
    var name: String?
    @Flag(help: "Replace an existing file.")
    var force = false

    func run() throws {
      var publication = try ModelCard.Publication(file: card)
      if let name { publication.name = name }
      let file = try ShippedModel.file(trained)
      try refuse(output, reading: [file], force: force)
      let model = try TrainedModel(file: file, device: .cpu)
      try model.pack(as: publication, to: output)
      // What was written is what others read.
      let packed = try TrainedModel(file: output, device: .cpu)
      Console.note("SHA-256 \(packed.sha256)")
      try Console.result(output)
    }
  }

  struct Average: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write the mean of two models of one network and one scale, as of a run and its start.",
      discussion: example("aginet models average run physics-5 -o mean.safetensors")
    )

    @Argument(help: "A model: a run folder, a file or a name.")
    var first: String
    @Argument(help: "Another of the same network.")
    var second: String
    @Option(name: .shortAndLong, help: "The file to write.")
    var output: String
    @Option(help: "How much of the second, 0 to 1.")
    var share = 0.5
    @Flag(help: "Replace an existing file.")
    var force = false

    func run() throws {
      guard (0...1).contains(share) else { throw Failure(.usage, "--share \(share): must be from 0 to 1") }
      let files = try [first, second].map { try ShippedModel.file($0) }
      try refuse(output, reading: files, force: force)
      let models = try files.map { try TrainedModel(file: $0, device: .cpu) }
      try models[0].average(with: models[1], share: share, to: output)
      try Console.result(output)
    }
  }
}

/// Refuses a name to write to that is taken, or is an input.
private func refuse(_ output: String, reading inputs: [String], force: Bool) throws {
  guard output.hasSuffix(".safetensors") else {
    throw Failure(.usage, "\(output): the output's name must end in .safetensors")
  }
  guard FileManager.default.fileExists(atPath: output) else { return }
  for input in inputs where Path.resolved(input) == Path.resolved(output) {
    throw Failure(.refused, "\(output): is an input, which is never overwritten; choose another name")
  }
  guard force else {
    throw Failure(.cannotWrite, "\(output): exists already; choose another name or give --force")
  }
}

extension ShippedModel {
  /// What is found of it, in words; a failure where it is not as it should be.
  var state: (words: String, failure: Failure?) {
    do {
      let path = try ShippedModel.find(named: name)
      let file = try Safetensors(contentsOf: path)
      let card = try file.metadata[ModelCard.key].map { try ModelCard(json: $0, file: path) }
      let bytes = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int ?? 0
      let size = String(format: "%.1f MB", Double(bytes) / 1e6)
      let contrasts = card?.scenario.description ?? "no card"
      return ("\(contrasts), \(size), checksum verified, \(path)", nil)
    } catch let failure as Failure {
      return (failure.message, failure)
    } catch { return ("\(error)", Failure(.unexpected, "\(error)")) }
  }
}
