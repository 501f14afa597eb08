import Failures
import Foundation
import Imaging
import Testing

@Test func extentsKnowTheirSides() throws {
  let (image, volume) = (Extent(240, 256), Extent(64, 96, 128))
  #expect(
    (image.planes, image.rows, image.columns, image.count, image.dimensions) == (1, 240, 256, 61_440, 2))
  #expect((volume.planes, volume.rows, volume.columns, volume.count) == (64, 96, 128, 786_432))
  #expect(image.description == "240 x 256" && volume.word == "64x96x128")
  let data = try JSONEncoder().encode([image, volume])
  #expect(String(decoding: data, as: UTF8.self) == "[[240,256],[64,96,128]]")
  #expect(try JSONDecoder().decode([Extent].self, from: data) == [image, volume])
}

@Test(arguments: ["[]", "[5]", "[1,2,3,4]", "[0,5]", "[5,-1]", "[5,9000000]", "{}"])
func sizesThatNoImageHas(json: String) {
  #expect(throws: DecodingError.self) { try JSONDecoder().decode(Extent.self, from: Data(json.utf8)) }
}

@Test(arguments: [
  ("slice", Region.slice, 1, Extent(8, 9)), ("slab:3", .slab(3), 3, Extent(8, 9)),
  ("patch:96x64x32", .patch(Extent(96, 64, 32)), 1, Extent(96, 64, 32)),
])
func regionsAreWrittenAsRead(text: String, region: Region, depth: Int, extent: Extent) throws {
  #expect(try Region(text) == region && region.description == text)
  #expect(region.depth == depth && region.extent(ofSlices: Extent(8, 9)) == extent)
  #expect(try JSONDecoder().decode(Region.self, from: JSONEncoder().encode(region)) == region)
}

@Test(arguments: [
  ("", "is no region"), ("volume", "is no region"), ("slice:3", "is no region"), ("slab", "is no region"),
  ("slab:2", "odd"), ("slab:0", "odd"), ("slab:-3", "odd"), ("slab:65", "odd"), ("slab:x", "odd"),
  ("patch:", "three sides"), ("patch:96", "three sides"), ("patch:96x96", "three sides"),
  ("patch:96x96x0", "three sides"), ("patch:96x96x96x96", "three sides"), ("patch:9xx9", "three sides"),
])
func whatIsNoRegion(text: String, says: String) {
  let failure = #expect(throws: Failure.self) { try Region(text) }
  #expect(failure?.kind == .usage && failure?.message.contains(says) == true)
}

@Test func scenariosThatMakeNoSense() throws {
  try Scenario(sources: [.t1, .t2], target: .pd).check()
  for scenario in [
    Scenario(sources: [], target: .t1), Scenario(sources: [.t1, .t1], target: .t2),
    Scenario(sources: [.t1, .t2], target: .t2),
  ] {
    let failure = #expect(throws: Failure.self) { try scenario.check() }
    #expect(failure?.kind == .usage)
  }
}

/// Patches are no larger than the largest volume needs, nor than they were asked for.
@Test(arguments: [
  // 78 planes need 80; 96 rows and columns were asked for.
  (Extent(96, 96, 96), Extent(78, 240, 240), Extent(80, 96, 96)),
  (Extent(96, 96, 96), Extent(6, 30, 28), Extent(8, 32, 32)),
  (Extent(96, 96, 96), Extent(96, 95, 97), Extent(96, 96, 96)),
  // What was asked for stays, whatever it is a multiple of.
  (Extent(10, 30, 50), Extent(155, 29, 49), Extent(10, 30, 50)),
  (Extent(10, 30, 50), Extent(155, 24, 41), Extent(10, 24, 48)),
])
func patchesFitTheVolumes(asked: Extent, largest: Extent, fitted: Extent) {
  #expect(Region.patch(asked).fitted(to: largest) == .patch(fitted))
}

@Test func patchesKeepWhatNetworksNeed() {
  let (asked, largest) = (Region.patch(Extent(96, 96, 40)), Extent(10, 70, 10))
  #expect(asked.fitted(to: largest, multiple: 32, least: 64) == .patch(Extent(64, 96, 40)))
  #expect(Region.slice.fitted(to: largest) == .slice && Region.slab(3).fitted(to: largest) == .slab(3))
}
