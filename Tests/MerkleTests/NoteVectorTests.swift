import Bytes
import Merkle
import Simulation
import Testing

/// A signer of a vector: a key, and the time where its signature says that.
struct VectorSigner: Decodable, Hashable {
  let key: String
  let time: String?
}

/// The word by which vectors call an error, or `nil` for one that they don't have.
func vectorWord(_ error: EvidenceError) -> String? {
  switch error {
  case .malformed: "malformed"
  case .tooLong: "too long"
  case .noKnownSignature: "no known signature"
  case .falseSignature: "false signature"
  case .ambiguousKeys, .missingTile, .falseTiles, .outsideTree: nil
  case .unknownOrigin: "unknown origin"
  case .notSignedByLog: "not signed by the log"
  case .quorumNotMet: "quorum not met"
  case .notInTree: "not in the tree"
  }
}

@Suite("Vectors of notes and checkpoints") struct NoteVectorTests {
  struct File<Vector: Decodable, Refused: Decodable>: Decodable {
    let vectors: [Vector]
    let refused: [Refused]
  }

  struct Note: Decodable {
    let what, note, text: String
    let keys: [String]
    let signed: [VectorSigner]
  }

  struct RefusedNote: Decodable {
    let what, why, note: String
    let keys: [String]
  }

  @Test("Notes are read, written again byte for byte, and their signers known; false ones refused")
  func notes() throws {
    let file = try VectorFile.load("signed-notes", as: File<Note, RefusedNote>.self)
    #expect(file.vectors.count >= 18 && file.refused.count >= 60)
    for vector in file.vectors {
      let note = try SignedNote(Array(vector.note.utf8))
      #expect(note.bytes == Array(vector.note.utf8), "\(vector.what)")
      #expect(note.text == Array(vector.text.utf8), "\(vector.what)")
      #expect(SignedNote(text: note.text, signatures: note.signatures) == note)
      let keys = try vector.keys.map { try #require(NoteKey(text: $0.utf8), "\(vector.what)") }
      #expect(keys.map(\.text) == vector.keys)
      let signers = try note.verified(by: keys).map { signature in
        VectorSigner(key: signature.key.text, time: signature.time.map { String($0) })
      }
      #expect(signers == vector.signed, "\(vector.what)")
    }
    for vector in file.refused {
      let keys = try vector.keys.map { try #require(NoteKey(text: $0.utf8), "\(vector.what)") }
      do {
        _ = try SignedNote(Array(vector.note.utf8)).verified(by: keys)
        Issue.record("accepted: \(vector.what)")
      } catch {
        #expect(vectorWord(error) == vector.why, "\(vector.what)")
      }
    }
  }

  struct CheckpointVector: Decodable {
    let what, note, origin, size, root: String
    let logs, cosigners, extensions, signed: [String]
    let cosigned: [VectorSigner]
  }

  struct RefusedCheckpoint: Decodable {
    let what, why, note: String
    let logs, cosigners: [String]
  }

  private func verified(
    _ note: String, logs: [String], cosigners: [String]
  ) throws -> VerifiedCheckpoint {
    try VerifiedCheckpoint(
      SignedNote(Array(note.utf8)),
      logs: logs.map { try #require(NoteKey(text: $0.utf8)) },
      cosigners: cosigners.map { try #require(CosignerKey(text: $0.utf8)) })
  }

  @Test("Checkpoints say what they say, signed by whom they say, and false ones are refused")
  func checkpoints() throws {
    let file = try VectorFile.load(
      "checkpoints", as: File<CheckpointVector, RefusedCheckpoint>.self)
    #expect(file.vectors.count >= 12 && file.refused.count >= 30)
    for vector in file.vectors {
      let read = try verified(vector.note, logs: vector.logs, cosigners: vector.cosigners)
      let checkpoint = read.checkpoint
      #expect(sameBytes(checkpoint.origin, vector.origin), "\(vector.what)")
      #expect(String(checkpoint.head.size) == vector.size, "\(vector.what)")
      #expect(checkpoint.head.root.hex == vector.root, "\(vector.what)")
      #expect(checkpoint.extensions == vector.extensions, "\(vector.what)")
      #expect(checkpoint.text == read.note.text, "\(vector.what)")
      #expect(
        Checkpoint(
          origin: checkpoint.origin, head: checkpoint.head, extensions: checkpoint.extensions)
          == checkpoint)
      #expect(read.logKeys.map(\.text) == vector.signed, "\(vector.what)")
      let cosigned = read.cosignatures.map {
        VectorSigner(key: $0.key.text, time: String($0.time))
      }
      #expect(cosigned == vector.cosigned, "\(vector.what)")
    }
    for vector in file.refused {
      do {
        _ = try verified(vector.note, logs: vector.logs, cosigners: vector.cosigners)
        Issue.record("accepted: \(vector.what)")
      } catch let error as EvidenceError {
        #expect(vectorWord(error) == vector.why, "\(vector.what)")
      }
    }
  }
}
