import Bytes
import Merkle
import Simulation
import Testing

/// Keys of tests: seeds of 32 equal bytes.
enum TestKey {
  static func signer(_ byte: UInt8) throws -> Ed25519.SigningKey {
    try #require(Ed25519.SigningKey(seed: [UInt8](repeating: byte, count: 32)))
  }

  static func log(_ name: String = "example.com/dr", _ byte: UInt8 = 1) throws -> VerifierKey {
    try #require(VerifierKey(name: name, key: signer(byte).publicKey))
  }

  static func cosigner(_ name: String = "w.example/1", _ byte: UInt8 = 2) throws -> CosignerKey {
    try #require(CosignerKey(name: name, key: signer(byte).publicKey))
  }
}

@Suite("Notes") struct NoteTests {
  private let text = Array("A text.\n".utf8)

  private func line(_ byte: UInt8 = 1, name: String = "example.com/dr") throws -> NoteSignature {
    let signer = try TestKey.signer(byte)
    return try #require(
      NoteSignature.make(text: text, key: TestKey.log(name, byte)) { signer.signature(of: $0) })
  }

  @Test("What is signed is the text; what a signer gives is checked before it is used")
  func signing() throws {
    let signer = try TestKey.signer(1)
    let key = try TestKey.log()
    var handed: [UInt8] = []
    let line = try #require(
      NoteSignature.make(text: text, key: key) { message in
        handed = message
        return signer.signature(of: message)
      })
    #expect(handed == text)
    #expect(line.name == "example.com/dr" && line.keyID == key.id && line.bytes.count == 64)
    let note = try #require(SignedNote(text: text, signatures: [line]))
    #expect(try note.verified(by: [.ed25519(key)]).map(\.key) == [.ed25519(key)])

    let stranger = try TestKey.signer(9)
    #expect(NoteSignature.make(text: text, key: key) { stranger.signature(of: $0) } == nil)
    #expect(NoteSignature.make(text: text, key: key) { _ in [] } == nil)
    #expect(NoteSignature.make(text: text, key: key) { signer.signature(of: $0) + [0] } == nil)
    struct NoSigner: Error {}
    #expect(throws: NoSigner.self) {
      try NoteSignature.make(text: text, key: key) { _ throws(NoSigner) in throw NoSigner() }
    }
  }

  @Test("A cosigner signs the time before the text, up to 2^63 - 1 seconds")
  func cosigning() throws {
    let signer = try TestKey.signer(2)
    let key = try TestKey.cosigner()
    for time: UInt64 in [0, 1, 1_764_040_000, UInt64(Int64.max)] {
      var handed: [UInt8] = []
      let line = try #require(
        NoteSignature.cosign(text: text, key: key, time: time) { message in
          handed = message
          return signer.signature(of: message)
        })
      #expect(handed == Array("cosignature/v1\ntime \(time)\nA text.\n".utf8))
      #expect(line.bytes.count == 72)
      let note = try #require(SignedNote(text: text, signatures: [line]))
      #expect(try note.verified(by: [.cosigner(key)]).map(\.time) == [time])
    }
    #expect(
      NoteSignature.cosign(text: text, key: key, time: 1 << 63) { signer.signature(of: $0) } == nil)
    #expect(
      NoteSignature.cosign(text: text, key: key, time: 7) { _ in signer.signature(of: text) }
        == nil)
  }

  @Test("Each bit of a text, a time or a signature matters")
  func bits() throws {
    let signer = try TestKey.signer(2)
    let log = try TestKey.log()
    let witness = try TestKey.cosigner()
    let cosigned = try #require(
      NoteSignature.cosign(text: text, key: witness, time: 1_764_040_000) {
        signer.signature(of: $0)
      })
    for (line, key) in [(try line(), NoteKey.ed25519(log)), (cosigned, .cosigner(witness))] {
      let note = try #require(SignedNote(text: text, signatures: [line]))
      let decoded = line.keyID + line.bytes
      for bit in 32..<8 * decoded.count {
        var bytes = decoded
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        let other = Array("A text.\n\n\u{2014} \(line.name) \(Base64.encode(bytes))\n".utf8)
        #expect(throws: EvidenceError.falseSignature(key: key.text), "bit \(bit)") {
          try SignedNote(other).verified(by: [key])
        }
      }
      for place in text.indices.dropLast() {
        var other = note.bytes
        other[place] ^= 1
        #expect(throws: EvidenceError.self) { try SignedNote(other).verified(by: [key]) }
      }
    }
  }

  @Test("A note that differs in one byte from a signed one is refused, or says the same")
  func mutations() throws {
    let log = NoteKey.ed25519(try TestKey.log())
    let note = try #require(SignedNote(text: text, signatures: [line()]))
    for place in note.bytes.indices {
      for byte in UInt8.min...UInt8.max where byte != note.bytes[place] {
        var other = note.bytes
        other[place] = byte
        #expect(throws: EvidenceError.self, "\(byte) at \(place)") {
          try SignedNote(other).verified(by: [log])
        }
      }
      #expect(throws: EvidenceError.self) { try SignedNote(Array(note.bytes[..<place])) }
    }
  }

  @Test("A refusal names the line")
  func lines() throws {
    func expectMalformed(_ text: String, line: Int) {
      #expect(throws: EvidenceError.malformed(.note, line: line), "\(text.debugDescription)") {
        try SignedNote(Array(text.utf8))
      }
    }
    let signed = try line().line
    expectMalformed("", line: 1)
    expectMalformed("A\nB\tC\n\n\(signed)\n", line: 2)
    expectMalformed("A\n\n\(signed)\n\(signed)", line: 4)
    expectMalformed("A\n\n\(signed)\n\(signed)x\n", line: 4)
    expectMalformed("A\n\n", line: 3)
    #expect(throws: EvidenceError.malformed(.note, line: 2)) {
      try SignedNote(Array("A\n".utf8) + [0xC3, 0x28, 0x0A])
    }
  }

  @Test("A note is at most 1 MiB long and has at most 100 signatures, read or made")
  func limits() throws {
    let line = try line()
    let frame = SignedNote.byteLimit - 1 - line.line.utf8.count - 1
    func text(_ count: Int) -> [UInt8] {
      [UInt8](repeating: UInt8(ascii: "a"), count: count - 1) + [UInt8(ascii: "\n")]
    }
    let longest = try #require(SignedNote(text: text(frame), signatures: [line]))
    #expect(longest.bytes.count == SignedNote.byteLimit)
    #expect(try SignedNote(longest.bytes) == longest)
    #expect(SignedNote(text: text(frame + 1), signatures: [line]) == nil)
    let tooLong = EvidenceError.tooLong(.note, bytes: 1_048_577, limit: 1_048_576)
    #expect(throws: tooLong) { try SignedNote([UInt8(ascii: "a")] + longest.bytes) }

    let hundred = Array(repeating: line, count: 100)
    #expect(SignedNote(text: self.text, signatures: hundred) != nil)
    #expect(SignedNote(text: self.text, signatures: hundred + [line]) == nil)
    #expect(SignedNote(text: self.text, signatures: []) == nil)
    for text in ["", "a", "a\tb\n", "a\n\u{0}\n"] {
      #expect(SignedNote(text: Array(text.utf8), signatures: [line]) == nil)
    }
    #expect(SignedNote(text: [0xFF, 0x0A], signatures: [line]) == nil)
    // A text that a reader would end elsewhere isn't one: only the last empty line ends it.
    let nested = Array("a\n\n\(line.line)\n".utf8)
    #expect(SignedNote(text: nested, signatures: [line])?.text == nested)
  }

  @Test("Signatures are added behind, each line once")
  func adding() throws {
    let first = try line()
    let second = try line(3, name: "example.org/x")
    let note = try #require(SignedNote(text: text, signatures: [first]))
    #expect(note.adding([first, second, second])?.signatures == [first, second])
    #expect(note.adding([]) == note)
    #expect(note.adding((0..<100).map { _ in second })?.signatures.count == 2)
  }

  @Test("Two known keys that share name and id tell nobody who signed")
  func ambiguous() throws {
    // Another type's key id is taken as it stands, so it can be that of a log.
    let log = try TestKey.log()
    let other = "\(log.name)+\(Hex.encode(log.id))+\(Base64.encode([0xFF, 1, 2, 3]))"
    let key = try #require(NoteKey(text: other.utf8))
    let note = try #require(SignedNote(text: text, signatures: [line()]))
    #expect(throws: EvidenceError.ambiguousKeys(log.name)) {
      try note.verified(by: [.ed25519(log), key])
    }
    #expect(try note.verified(by: [.ed25519(log), .ed25519(log)]).count == 1)
  }

  @Test("Keys of each type are read and written; a known type with another length is none")
  func keys() throws {
    let log = try TestKey.log()
    let witness = try TestKey.cosigner()
    #expect(NoteKey(text: log.text.utf8) == .ed25519(log))
    #expect(NoteKey(text: witness.text.utf8) == .cosigner(witness))
    #expect(CosignerKey(text: log.text.utf8) == nil)
    #expect(VerifierKey(text: witness.text.utf8) == nil)
    #expect(log.id != CosignerKey(name: log.name, key: log.key)?.id)
    let mlDSA = "w.example/1+01020304+\(Base64.encode([0x06] + [UInt8](repeating: 5, count: 1312)))"
    let key = try #require(NoteKey(text: mlDSA.utf8))
    #expect(key.text == mlDSA && key.id == [1, 2, 3, 4] && key.name == "w.example/1")
    guard case .other(let other) = key else {
      Issue.record("\(key)")
      return
    }
    #expect(other.type == 0x06 && other.key.count == 1312)
    for type: UInt8 in [0x01, 0x04] {
      for count in [0, 31, 33] {
        let text = "x+01020304+\(Base64.encode([type] + [UInt8](repeating: 5, count: count)))"
        #expect(NoteKey(text: text.utf8) == nil)
      }
    }
    #expect(NoteKey(text: "x+01020304+\(Base64.encode([0x02]))".utf8) == nil)
    #expect(NoteKey(text: "x y+01020304+\(Base64.encode([0x02, 1]))".utf8) == nil)
    #expect(NoteKey(text: "x+010203+\(Base64.encode([0x02, 1]))".utf8) == nil)
    for place in Array(witness.text.utf8).indices {
      var text = Array(witness.text.utf8)
      text[place] ^= 1
      #expect(CosignerKey(text: text) == nil, "\(place)")
    }
  }
}

@Suite("Checkpoints") struct CheckpointTests {
  private let root = MerkleTree.leafHash([1, 2, 3])

  @Test("A checkpoint that couldn't be read again can't be made")
  func making() throws {
    let head = TreeHead(size: 42, root: root)
    let checkpoint = try #require(
      Checkpoint(origin: "example.com/dr", head: head, extensions: ["a", "b c"]))
    #expect(
      String(decoding: checkpoint.text, as: UTF8.self)
        == "example.com/dr\n42\n\(root.base64)\na\nb c\n")
    #expect(try Checkpoint(text: checkpoint.text) == checkpoint)
    #expect(Checkpoint(origin: "", head: head) == nil)
    #expect(Checkpoint(origin: "a\nb", head: head) == nil)
    #expect(Checkpoint(origin: "a", head: head, extensions: [""]) == nil)
    #expect(Checkpoint(origin: "a", head: head, extensions: ["b\n"]) == nil)
    #expect(Checkpoint(origin: "a", head: head, extensions: ["\t"]) == nil)
    #expect(Checkpoint(origin: "a", head: TreeHead(size: 1 << 63, root: root)) == nil)
    #expect(Checkpoint(origin: "a", head: TreeHead(size: 1 << 63 - 1, root: root)) != nil)
    #expect(Checkpoint(origin: "o\u{308}", head: head) != Checkpoint(origin: "\u{F6}", head: head))
  }

  @Test("A refusal names the line")
  func lines() {
    let lines = ["o", "42", root.base64, "x"]
    for (number, bad) in [(1, ""), (2, "042"), (3, "AAAA"), (4, ""), (1, "\t"), (4, "\u{1}")] {
      var changed = lines
      changed[number - 1] = bad
      let text = changed.map { $0 + "\n" }.joined()
      #expect(throws: EvidenceError.malformed(.checkpoint, line: number)) {
        try Checkpoint(text: Array(text.utf8))
      }
    }
    for count in 0...2 {
      let text = lines.prefix(count).map { $0 + "\n" }.joined()
      #expect(throws: EvidenceError.malformed(.checkpoint, line: count + 1)) {
        try Checkpoint(text: Array(text.utf8))
      }
    }
    #expect(throws: EvidenceError.malformed(.checkpoint, line: 3)) {
      try Checkpoint(text: Array("o\n42\n\(root.base64)".utf8))
    }
  }

  @Test("A signed checkpoint is its log's alone, and a signer that signs something else is noticed")
  func signing() throws {
    let signer = try TestKey.signer(1)
    let key = try TestKey.log()
    let checkpoint = try #require(
      Checkpoint(origin: "example.com/dr", head: TreeHead(size: 42, root: root)))
    let note = try #require(checkpoint.signed(by: key) { signer.signature(of: $0) })
    let read = try VerifiedCheckpoint(note, logs: [.ed25519(key)])
    #expect(read.checkpoint == checkpoint && read.note == note && read.cosignatures.isEmpty)
    #expect(checkpoint.signed(by: key) { signer.signature(of: $0 + [0x0A]) } == nil)
    let renamed = try TestKey.log("example.com/dr2")
    #expect(throws: EvidenceError.unknownOrigin("example.com/dr")) {
      try VerifiedCheckpoint(note, logs: [.ed25519(renamed)])
    }
    // Somebody who cosigns can't speak for the log, even under its name.
    let cosigner = try #require(CosignerKey(name: key.name, key: key.key))
    let cosigned = try #require(
      NoteSignature.cosign(text: checkpoint.text, key: cosigner, time: 1) {
        signer.signature(of: $0)
      })
    let alone = try #require(SignedNote(text: checkpoint.text, signatures: [cosigned]))
    #expect(throws: EvidenceError.notSignedByLog("example.com/dr")) {
      try VerifiedCheckpoint(alone, logs: [.ed25519(key)], cosigners: [cosigner])
    }
    #expect(
      try VerifiedCheckpoint(
        #require(note.adding([cosigned])), logs: [.ed25519(key)], cosigners: [cosigner]
      ).cosignatures == [Cosignature(key: cosigner, time: 1)])
  }
}

@Suite("Errors of evidence") struct EvidenceErrorTests {
  @Test("Each error has a text of its own, and says which")
  func texts() throws {
    let tile = try #require(Tile(.hashes(level: 1), index: 2))
    let next = try #require(Tile(.hashes(level: 0), index: 3, width: 4))
    var errors: [EvidenceError] = [
      .noKnownSignature, .falseSignature(key: "KEY"), .ambiguousKeys("NAME"),
      .unknownOrigin("ORIGIN"), .notSignedByLog("ORIGIN"), .quorumNotMet(cosigned: []),
      .quorumNotMet(cosigned: ["w1", "w2"]),
      .notInTree(index: 7, TreeHead(size: 9, root: MerkleTree.emptyRoot)),
      .missingTile(tile), .falseTiles([tile]), .falseTiles([tile, next]),
      .outsideTree(leaves: 3..<5, size: 4),
    ]
    for form in EvidenceForm.allCases {
      errors.append(.malformed(form, line: 12))
      errors.append(.tooLong(form, bytes: 34, limit: 33))
    }
    #expect(Set(errors.map(\.text)).count == errors.count)
    #expect(errors.allSatisfy { !$0.text.hasSuffix(".") })
    #expect(
      EvidenceError.malformed(.policy, line: 12).text
        == "line 12 of the policy hasn't the form that FORMAT.md gives it")
    #expect(EvidenceError.falseSignature(key: "KEY").text.contains("KEY"))
    #expect(EvidenceError.quorumNotMet(cosigned: ["w1", "w2"]).text.contains("w1, w2"))
  }
}
