import Bytes
import Merkle
import Simulation
import Testing

@Suite("Policies") struct PolicyTests {
  struct Vector: Decodable {
    struct Note: Decodable {
      let note: String
      let valid: Bool
    }
    let what, policy: String
    let notes: [Note]
  }

  struct Refused: Decodable {
    let what, policy: String
    let line: Int
  }

  @Test("A checkpoint is valid with exactly the sets of witnesses that the policy asks for")
  func vectors() throws {
    let file = try VectorFile.load("policies", as: NoteVectorTests.File<Vector, Refused>.self)
    #expect(file.vectors.count >= 13 && file.refused.count >= 45)
    for vector in file.vectors {
      let policy = try TrustPolicy(Array(vector.policy.utf8))
      #expect(vector.notes.count == 8)
      for (index, note) in vector.notes.enumerated() {
        let isValid = (try? policy.verified(SignedNote(Array(note.note.utf8)))) != nil
        #expect(isValid == note.valid, "\(vector.what), witnesses \(index)")
      }
    }
    for vector in file.refused {
      #expect(
        throws: EvidenceError.malformed(.policy, line: vector.line), "\(vector.what)"
      ) { try TrustPolicy(Array(vector.policy.utf8)) }
    }
  }

  @Test("A policy keeps names, keys and addresses as they are written")
  func content() throws {
    let log = try TestKey.log().text
    let witness = try TestKey.cosigner().text
    let name: [UInt8] = [0xFF, 0x41]
    let text =
      Array("log \(log) https://log.example/\nlog \(try TestKey.log("b", 3).text)\nwitness ".utf8)
      + name + Array(" \(witness) ".utf8) + [0x80] + Array("\nquorum ".utf8) + name
      + Array("\n".utf8)
    let policy = try TrustPolicy(text)
    #expect(policy.logs.map(\.key.text) == [log, try TestKey.log("b", 3).text])
    #expect(policy.logs.map(\.url) == [Array("https://log.example/".utf8), nil])
    #expect(policy.witnesses.map(\.name) == [name])
    #expect(policy.witnesses.map(\.key.text) == [witness])
    #expect(policy.witnesses.map(\.url) == [[0x80]])
  }

  @Test("A policy has at most 1 MiB, and a thousand groups cost nothing to speak of")
  func limits() throws {
    let long = [UInt8](repeating: UInt8(ascii: "#"), count: 1 << 20 + 1)
    #expect(throws: EvidenceError.tooLong(.policy, bytes: long.count, limit: 1 << 20)) {
      try TrustPolicy(long)
    }
    let witness = try TestKey.cosigner()
    var text = "log \(try TestKey.log().text)\nwitness g0 \(witness.text)\n"
    for index in 1...5_000 { text += "group g\(index) all g\(index - 1)\n" }
    text += "quorum g5000\n"
    let policy = try TrustPolicy(Array(text.utf8))
    let checkpoint = try #require(
      Checkpoint(origin: "example.com/dr", head: TreeHead(size: 1, root: MerkleTree.emptyRoot)))
    let logSigner = try TestKey.signer(1)
    let note = try #require(
      checkpoint.signed(by: TestKey.log()) { logSigner.signature(of: $0) })
    #expect(throws: EvidenceError.quorumNotMet(cosigned: [])) { try policy.verified(note) }
    let signer = try TestKey.signer(2)
    let cosigned = try #require(
      NoteSignature.cosign(text: note.text, key: witness, time: 1) { signer.signature(of: $0) })
    let both = try #require(note.adding([cosigned]))
    #expect(try policy.verified(both).checkpoint == checkpoint)
  }
}
