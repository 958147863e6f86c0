import Bytes
import EventLog
import Merkle
import Simulation
import Testing

@Suite("The files of signed checkpoints")
struct CheckpointFileTests {
  private func note(_ size: UInt64) throws -> SignedNote {
    let key = try #require(Ed25519.SigningKey(seed: [UInt8](repeating: 7, count: 32)))
    let vkey = try #require(VerifierKey(name: "test/log", key: key.publicKey))
    let checkpoint = try #require(
      Checkpoint(
        origin: "test/log", head: TreeHead(size: size, root: MerkleTree.leafHash([UInt8(size)]))))
    return try #require(checkpoint.signed(by: vkey) { key.signature(of: $0) })
  }

  private func notes(_ disk: SimulatedDisk) throws -> [SignedNote] {
    let files = CheckpointFiles(disk)
    var notes: [SignedNote] = []
    var places: [Range<UInt64>] = []
    try files.forEach { note, place in
      notes.append(note)
      places.append(place)
    }
    for (note, place) in zip(notes, places) { #expect(try files.note(at: place) == note) }
    return notes
  }

  @Test("all are kept in their order, and the newest has a file of its own")
  func kept() throws {
    let disk = SimulatedDisk()
    #expect(try notes(disk).isEmpty)
    #expect(try CheckpointFiles(disk).readNewest() == nil)
    let all = try (1...20).map(note)
    for note in all {
      try CheckpointFiles(disk).append(note)
      #expect(try CheckpointFiles(disk).readNewest() == note)
    }
    #expect(try notes(disk) == all)
    try CheckpointFiles(disk).replaceNewest(with: all[3])
    #expect(try CheckpointFiles(disk).readNewest() == all[3])
    #expect(try notes(disk) == all)
  }

  @Test("what isn't a note is passed over, however long it is, and written over at the end")
  func others() throws {
    let notes = try (1...3).map(note)
    func entry(_ note: SignedNote) -> [UInt8] { note.bytes + [0x0A] }
    for middle in [
      Array("no note\n".utf8), [UInt8](repeating: 0x41, count: 300_000),
      Array("\u{2014} not a signature\n\n".utf8),
    ] {
      let disk = SimulatedDisk()
      disk.setBytes(
        of: "checkpoints.log",
        to: entry(notes[0]) + entry(notes[1]) + middle + [0x0A] + entry(notes[2]))
      let found = try self.notes(disk)
      #expect(found.first == notes[0] && found.dropFirst().first == notes[1])
    }
    for length in 0...entry(notes[1]).count {
      let disk = SimulatedDisk()
      disk.setBytes(
        of: "checkpoints.log", to: entry(notes[0]) + entry(notes[1]).prefix(length))
      try CheckpointFiles(disk).append(notes[2])
      let isWhole = length == entry(notes[1]).count
      #expect(try self.notes(disk) == (isWhole ? notes : [notes[0], notes[2]]))
    }
  }

  @Test("the power fails or a call fails at any point: the notes before are there")
  func interrupted() throws {
    let notes = try (1...3).map(note)
    let whole = SimulatedDisk()
    for note in notes { try CheckpointFiles(whole).append(note) }
    for operation in 0..<whole.operationCount {
      for fault in [SimulatedDisk.Fault.crash, .error(28), .error(17), .shortWrite(7)] {
        let disk = SimulatedDisk()
        disk.faults[operation] = fault
        var acknowledged: [SignedNote] = []
        for note in notes.prefix(2) {
          guard (try? CheckpointFiles(disk).append(note)) != nil else { break }
          acknowledged.append(note)
        }
        forEachSubset(of: disk.choiceCount, limit: 16, seed: UInt64(operation)) { isKept in
          let image = disk.crashImage(keeping: isKept)
          let what: Comment = "\(fault) at \(operation), \(disk.trace.last ?? "")"
          #expect(throws: Never.self, what) {
            try CheckpointFiles(image).append(notes[2])
            let found = try self.notes(image)
            #expect(found.starts(with: acknowledged) && found.last == notes[2], what)
            #expect(try CheckpointFiles(image).readNewest() == notes[2], what)
          }
        }
      }
    }
  }
}
