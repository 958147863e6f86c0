import Bytes
import Foundation
import Merkle
import Simulation
import Testing

@Suite("Another reader") struct InteropTests {
  private func list(_ hashes: [Digest]) -> String {
    hashes.isEmpty ? "-" : hashes.map(\.base64).joined(separator: ",")
  }

  @Test("golang.org/x/mod accepts, refuses and makes what this ledger does")
  func evidence() throws {
    guard let other = try OtherReader() else { return }
    defer { other.close() }
    try proofs(other)
    try madeByOther(other)
    try notes(other)
    try noteVectors(other)
    try tiles(other)
  }

  /// Every proof of the trees of 1 to 40 leaves, and each with one hash changed.
  private func proofs(_ other: OtherReader) throws {
    let tree = TestTree(size: 40)
    var questions: [String] = []
    var expected: [String] = []
    func ask(_ question: String, _ answer: Bool) {
      questions.append(question)
      expected.append(answer ? "ok" : "no")
    }
    for size in 1...40 {
      let head = tree.head(size)
      for index in 0..<size {
        let hashes = try #require(tree.inclusion(index, size)).hashes
        let start = "record \(size) \(head.root.base64) \(index) \(tree.leaves[index].base64)"
        ask("\(start) \(list(hashes))", true)
        ask("\(start) \(list(hashes + [head.root]))", false)
        if let first = hashes.first {
          ask("\(start) \(list([first.flipped(size)] + hashes.dropFirst()))", false)
        }
        let old = tree.head(index + 1)
        let consistency = try #require(tree.consistencyProof(index + 1, size)).hashes
        let heads = "tree \(size) \(head.root.base64) \(old.size) \(old.root.base64)"
        ask("\(heads) \(list(consistency))", true)
        ask("\(heads) \(list(consistency + [head.root]))", false)
        if let last = consistency.last {
          ask("\(heads) \(list(consistency.dropLast() + [last.flipped(index)]))", false)
        }
      }
    }
    let answers = try other.answers(questions)
    for (index, question) in questions.enumerated() {
      #expect(answers[index] == expected[index], "\(question)")
    }
  }

  /// Proofs that the other program makes are the same hashes.
  private func madeByOther(_ other: OtherReader) throws {
    let tree = TestTree(size: 300)
    var questions: [String] = []
    var expected: [String] = []
    for (size, index) in [(1, 0), (2, 1), (7, 6), (100, 37), (255, 254), (256, 0), (300, 299)] {
      questions.append("prove-record \(size) \(index)")
      expected.append(list(try #require(tree.inclusion(index, size)).hashes))
      questions.append("prove-tree \(size) \(index + 1)")
      expected.append(list(try #require(tree.consistencyProof(index + 1, size)).hashes))
    }
    #expect(try other.answers(questions) == expected)
  }

  /// Notes and checkpoints that this ledger signs are opened; what the other one signs is opened here.
  private func notes(_ other: OtherReader) throws {
    let signer = try TestKey.signer(1)
    for name in ["example.com/dr", "k\u{F6}ln.example/\u{65E5}\u{672C}"] {
      let key = try TestKey.log(name)
      let secret = [UInt8](repeating: 1, count: 32)
      let skey = "PRIVATE+KEY+\(name)+\(Hex.encode(key.id))+\(Base64.encode([0x01] + secret))"
      let head = TestTree(size: 42).head(42)
      let checkpoint = try #require(Checkpoint(origin: name, head: head))
      let note = try #require(checkpoint.signed(by: key) { signer.signature(of: $0) })
      let witness = try TestKey.cosigner()
      let cosigned = try #require(
        NoteSignature.cosign(text: note.text, key: witness, time: 7) {
          try TestKey.signer(2).signature(of: $0)
        })
      let both = try #require(note.adding([cosigned]))
      var changed = note.bytes
      changed[0] ^= 1
      let answers = try other.answers([
        "open \(key.text) \(Base64.encode(note.bytes))",
        "open \(key.text) \(Base64.encode(both.bytes))",
        "open \(key.text) \(Base64.encode(changed))",
        "sign \(skey) \(Base64.encode(note.text))",
      ])
      let opened = "ok \(Base64.encode(note.text)) \(name)"
      // Ed25519 needs no randomness, so both sign the same text with the same bytes.
      #expect(answers == [opened, opened, "no", Base64.encode(note.bytes)])
    }
  }

  /// The vectors of notes, as far as the other program knows the keys' types.
  private func noteVectors(_ other: OtherReader) throws {
    let file = try VectorFile.load(
      "signed-notes",
      as: NoteVectorTests.File<NoteVectorTests.Note, NoteVectorTests.RefusedNote>.self)
    func isKnown(_ keys: [String]) -> Bool {
      keys.allSatisfy {
        guard case .ed25519? = NoteKey(text: $0.utf8) else { return false }
        return true
      }
    }
    // It reads only the first signature of each key.
    let unread = ["a true signature, then a false one of the same key"]
    var questions: [String] = []
    var accepted: [Bool] = []
    for vector in file.vectors where isKnown(vector.keys) {
      let keys = vector.keys.isEmpty ? "-" : vector.keys.joined(separator: ",")
      questions.append("open \(keys) \(Base64.encode(Array(vector.note.utf8)))")
      accepted.append(true)
    }
    for vector in file.refused where isKnown(vector.keys) && !unread.contains(vector.what) {
      guard !vector.note.isEmpty else { continue }
      let keys = vector.keys.isEmpty ? "-" : vector.keys.joined(separator: ",")
      questions.append("open \(keys) \(Base64.encode(Array(vector.note.utf8)))")
      accepted.append(false)
    }
    let answers = try other.answers(questions)
    for (index, question) in questions.enumerated() {
      #expect(answers[index].hasPrefix("ok") == accepted[index], "\(question)")
    }
    #expect(questions.count > 60)
  }

  /// Proofs that the other program makes from our tiles, after it has checked them.
  private func tiles(_ other: OtherReader) throws {
    let tree = TestTree(size: 66_000)
    var built = BuiltTiles()
    for size in [1, 255, 256, 257, 66_000] {
      while built.builder.size < UInt64(size) { built.append(tree.leaves[Int(built.builder.size)]) }
      let folder = FileManager.default.temporaryDirectory
        .appending(path: "tiles-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: folder) }
      for (tile, bytes) in built.all {
        let file = folder.appending(path: tile.path)
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
      }
      let start = "tiles \(folder.path) \(size) "
      let root = tree.head(size).root
      for index in [0, size / 2, size - 1] {
        let question = start + "\(root.base64) \(index)"
        let expected = list(tree.path(index, 0..<size))
        #expect(try other.answers([question]) == [expected], "\(index) of \(size)")
      }
      // The proof of a tree's only leaf has no hashes, so nothing is read for it.
      if size > 1 { #expect(try other.answers([start + "\(root.flipped(1).base64) 0"]) == ["no"]) }
    }
  }
}
