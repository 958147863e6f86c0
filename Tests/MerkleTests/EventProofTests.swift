import Bytes
import Merkle
import Simulation
import Testing

@Suite("Proofs of events") struct EventProofTests {
  struct Vector: Decodable {
    let what, proof, leaf, index, size: String
    let extra: String?
    let logs, cosigners: [String]
    let cosigned: [VectorSigner]
  }

  struct Refused: Decodable {
    let what, why, proof, leaf: String
    let logs, cosigners: [String]
  }

  private func verified(
    _ proof: TransparencyProof, leaf: String, logs: [String], cosigners: [String]
  ) throws -> VerifiedCheckpoint {
    try proof.verified(
      leaf: #require(Digest(hex: leaf.utf8)),
      logs: logs.map { try #require(NoteKey(text: $0.utf8)) },
      cosigners: cosigners.map { try #require(CosignerKey(text: $0.utf8)) })
  }

  @Test("Proofs are read, written again byte for byte and believed; false ones are refused")
  func vectors() throws {
    let file = try VectorFile.load(
      "event-proofs", as: NoteVectorTests.File<Vector, Refused>.self)
    #expect(file.vectors.count >= 12 && file.refused.count >= 35)
    for vector in file.vectors {
      let proof = try TransparencyProof(Array(vector.proof.utf8))
      #expect(proof.bytes == Array(vector.proof.utf8), "\(vector.what)")
      #expect(String(proof.index) == vector.index, "\(vector.what)")
      #expect(proof.extra.map { Hex.encode($0) } == vector.extra, "\(vector.what)")
      let made = TransparencyProof(
        index: proof.index, proof: proof.proof, note: proof.note, extra: proof.extra)
      #expect(made == proof, "\(vector.what)")
      let checkpoint = try verified(
        proof, leaf: vector.leaf, logs: vector.logs, cosigners: vector.cosigners)
      #expect(String(checkpoint.checkpoint.head.size) == vector.size, "\(vector.what)")
      let cosigned = checkpoint.cosignatures.map {
        VectorSigner(key: $0.key.text, time: String($0.time))
      }
      #expect(cosigned == vector.cosigned, "\(vector.what)")
    }
    for vector in file.refused {
      do {
        _ = try verified(
          TransparencyProof(Array(vector.proof.utf8)), leaf: vector.leaf, logs: vector.logs,
          cosigners: vector.cosigners)
        Issue.record("accepted: \(vector.what)")
      } catch let error as EvidenceError {
        #expect(vectorWord(error) == vector.why, "\(vector.what)")
      }
    }
  }

  @Test("Every byte of a proof matters, or the proof says the same")
  func mutations() throws {
    let file = try VectorFile.load(
      "event-proofs", as: NoteVectorTests.File<Vector, Refused>.self)
    let vector = try #require(file.vectors.first { $0.what == "leaf 37 of 42" })
    let bytes = Array(vector.proof.utf8)
    let logs = try vector.logs.map { try #require(NoteKey(text: $0.utf8)) }
    let leaf = try #require(Digest(hex: vector.leaf.utf8))
    for place in bytes.indices {
      for change: UInt8 in [0x01, 0x02, 0x10, 0x20, 0x80] {
        var other = bytes
        other[place] ^= change
        #expect(throws: EvidenceError.self, "\(change) at \(place)") {
          try TransparencyProof(other).verified(leaf: leaf, logs: logs)
        }
      }
      #expect(throws: EvidenceError.self) { try TransparencyProof(Array(bytes[..<place])) }
    }
  }

  @Test("A policy decides whether a proof's checkpoint is believed")
  func policy() throws {
    let file = try VectorFile.load(
      "event-proofs", as: NoteVectorTests.File<Vector, Refused>.self)
    let vector = try #require(file.vectors.first { $0.what == "two witnesses" })
    let proof = try TransparencyProof(Array(vector.proof.utf8))
    let leaf = try #require(Digest(hex: vector.leaf.utf8))
    let log = "log \(vector.logs[0])\n"
    let witnesses = "witness a \(vector.cosigners[0])\nwitness b \(vector.cosigners[1])\n"
    func verified(_ policy: String, leaf: Digest, logs: [NoteKey] = []) throws {
      _ = try proof.verified(
        leaf: leaf, policy: TrustPolicy(Array(policy.utf8)), logs: logs)
    }
    let needsBoth = "\(log)\(witnesses)group g all a b\nquorum g\n"
    try verified(needsBoth, leaf: leaf)
    #expect(throws: EvidenceError.self) { try verified(needsBoth, leaf: leaf.flipped(0)) }
    // Where a policy has no log, its key comes from elsewhere.
    let noLog = "\(witnesses)quorum a\n"
    #expect(throws: EvidenceError.unknownOrigin("example.com/dr")) {
      try verified(noLog, leaf: leaf)
    }
    try verified(noLog, leaf: leaf, logs: [try #require(NoteKey(text: vector.logs[0].utf8))])
    let stranger = try TestKey.cosigner().text
    let needsStranger = "\(log)\(witnesses)witness c \(stranger)\ngroup g all a c\nquorum g\n"
    #expect(throws: EvidenceError.quorumNotMet(cosigned: ["a", "b"])) {
      try verified(needsStranger, leaf: leaf)
    }
  }

  @Test("A proof has at most 63 hashes, an index below 2^63 and 2 MiB, read or made")
  func limits() throws {
    let file = try VectorFile.load(
      "event-proofs", as: NoteVectorTests.File<Vector, Refused>.self)
    let note = try TransparencyProof(Array(try #require(file.vectors.first).proof.utf8)).note
    let hash = MerkleTree.emptyRoot
    func proof(_ count: Int) -> InclusionProof {
      InclusionProof(hashes: Array(repeating: hash, count: count))
    }
    #expect(TransparencyProof(index: 1 << 63 - 1, proof: proof(63), note: note) != nil)
    #expect(TransparencyProof(index: 1 << 63, proof: proof(63), note: note) == nil)
    #expect(TransparencyProof(index: 0, proof: proof(64), note: note) == nil)
    let extra = [UInt8](repeating: 0, count: 2 << 20)
    #expect(TransparencyProof(index: 0, proof: proof(0), note: note, extra: extra) == nil)
    let long = [UInt8](repeating: UInt8(ascii: "a"), count: 2 << 20 + 1)
    #expect(throws: EvidenceError.tooLong(.proof, bytes: long.count, limit: 2 << 20)) {
      try TransparencyProof(long)
    }
  }

  @Test("A refusal names the line")
  func lines() throws {
    let hash = MerkleTree.emptyRoot.base64
    for (text, line) in [
      ("", 1), ("c2sp.org/tlog-proof@v1\n", 2), ("c2sp.org/tlog-proof@v1\nextra A\n", 2),
      ("c2sp.org/tlog-proof@v1\nextra AA==\nindex 01\n", 3),
      ("c2sp.org/tlog-proof@v1\nindex 1\n\(hash)\nAAAA\n", 4),
      ("c2sp.org/tlog-proof@v1\nindex 1\n\(hash)\n", 4),
    ] {
      #expect(throws: EvidenceError.malformed(.proof, line: line), "\(text.debugDescription)") {
        try TransparencyProof(Array(text.utf8))
      }
    }
  }
}
