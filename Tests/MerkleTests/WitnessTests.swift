import Bytes
import Merkle
import Simulation
import Testing

@Suite("Witnesses") struct WitnessTests {
  struct File: Decodable {
    struct Own: Decodable { let key, seed, time: String }
    struct Head: Decodable { let size, root: String }
    struct Request: Decodable {
      let what, request: String
      let status: Int
      let logs: [String]
      let known: Head?
      let answer, knownSize: String?

      enum CodingKeys: String, CodingKey {
        case what, request, status, logs, known, answer
        case knownSize = "known_size"
      }
    }
    let witness: Own
    let requests: [Request]
  }

  /// The answer to a request as it arrives, malformed ones included.
  private func answer(
    _ vector: File.Request, _ own: File.Own
  ) throws -> Result<WitnessAnswer, WitnessRefusal> {
    let request: WitnessRequest
    do {
      request = try WitnessRequest(Array(vector.request.utf8))
      #expect(request.bytes == Array(vector.request.utf8), "\(vector.what)")
      let made = WitnessRequest(
        oldSize: request.oldSize, proof: request.proof, note: request.note)
      #expect(made == request, "\(vector.what)")
    } catch {
      return .failure(.malformed(error))
    }
    let known = try vector.known.map { head in
      TreeHead(
        size: try #require(UInt64(head.size)), root: try #require(Digest(hex: head.root.utf8)))
    }
    let signer = try #require(
      Hex.decode(own.seed.utf8).flatMap { Ed25519.SigningKey(seed: $0) })
    let witness = Witness(
      key: try #require(CosignerKey(text: own.key.utf8)),
      logs: try vector.logs.map { try #require(NoteKey(text: $0.utf8)) })
    return witness.answer(request, known: known, time: try #require(UInt64(own.time))) {
      signer.signature(of: $0)
    }
  }

  @Test("Each request gets its cosignature, byte for byte, or its refusal")
  func vectors() throws {
    let file = try VectorFile.load("witness-requests", as: File.self)
    #expect(file.requests.count >= 50)
    for vector in file.requests {
      switch try answer(vector, file.witness) {
      case .success(let answer):
        #expect(vector.status == 200, "\(vector.what)")
        #expect(answer.signature.line + "\n" == vector.answer, "\(vector.what)")
        let checkpoint = try WitnessRequest(Array(vector.request.utf8)).checkpoint
        #expect(answer.head == checkpoint.head, "\(vector.what)")
      case .failure(let refusal):
        #expect(refusal.status == vector.status, "\(vector.what): \(refusal)")
        if case .sizeConflict(let known) = refusal {
          #expect(String(known) == vector.knownSize, "\(vector.what)")
        } else {
          #expect(vector.knownSize == nil, "\(vector.what): \(refusal)")
        }
      }
    }
  }

  @Test("Two conflicts are told apart: an old size that isn't the known one, and a fork")
  func conflicts() throws {
    let file = try VectorFile.load("witness-requests", as: File.self)
    func refusal(_ what: String) throws -> WitnessRefusal? {
      let vector = try #require(file.requests.first { $0.what == what })
      guard case .failure(let refusal) = try answer(vector, file.witness) else { return nil }
      return refusal
    }
    #expect(try refusal("another root of the known size") == .rootConflict(size: 42))
    #expect(try refusal("an old size that isn't the known one") == .sizeConflict(known: 7))
    #expect(try refusal("a fork, with its own proof") == .falseProof)
    #expect(try refusal("an unknown log") == .unknownLog("example.org/other"))
    #expect(
      try refusal("no known signature") == .untrustedSignature(.noKnownSignature))
    #expect(try refusal("nothing") == .malformed(.malformed(.witnessRequest, line: 1)))
  }

  @Test("A log that only grows is cosigned at every step, and never after it forked")
  func steps() throws {
    let logSigner = try TestKey.signer(1)
    let own = try TestKey.signer(2)
    let log = try TestKey.log()
    let witness = Witness(key: try TestKey.cosigner(), logs: [.ed25519(log)])
    let tree = TestTree(size: 60)
    let fork = TestTree(tree.leaves.prefix(30) + [tree.leaves[0]] + tree.leaves.suffix(29))
    func request(_ tree: TestTree, from old: Int, to new: Int) throws -> WitnessRequest {
      let checkpoint = try #require(Checkpoint(origin: log.name, head: tree.head(new)))
      let note = try #require(checkpoint.signed(by: log) { logSigner.signature(of: $0) })
      let proof = tree.consistencyProof(old, new) ?? ConsistencyProof(hashes: [])
      return try #require(WitnessRequest(oldSize: UInt64(old), proof: proof, note: note))
    }
    var known: TreeHead?
    for size in [1, 2, 3, 8, 20, 29, 30, 41, 60] {
      let old = Int(known?.size ?? 0)
      let answer = try witness.answer(
        request(tree, from: old, to: size), known: known, time: UInt64(size)
      ) { own.signature(of: $0) }.get()
      known = answer.head
      #expect(known == tree.head(size))
      // The other tree differs from its 31st leaf on: once that was cosigned, there is one way.
      for other in 31...60 {
        let again = try request(fork, from: size, to: other)
        let isCosigned = witness.review(again, known: known) == nil
        #expect(isCosigned == (size <= 30), "\(size) to \(other)")
      }
    }
  }

  @Test("A signer that gives another signature is noticed, and its failure passed on")
  func signer() throws {
    let file = try VectorFile.load("witness-requests", as: File.self)
    let vector = try #require(file.requests.first)
    let request = try WitnessRequest(Array(vector.request.utf8))
    let witness = Witness(
      key: try #require(CosignerKey(text: file.witness.key.utf8)),
      logs: try vector.logs.map { try #require(NoteKey(text: $0.utf8)) })
    let stranger = try TestKey.signer(9)
    let answer = witness.answer(request, known: nil, time: 1) { stranger.signature(of: $0) }
    #expect(answer == .failure(.falseSigner))
    struct NoSigner: Error {}
    #expect(throws: NoSigner.self) {
      try witness.answer(request, known: nil, time: 1) { _ throws(NoSigner) in throw NoSigner() }
    }
    // Nothing is signed for a request that is refused.
    let known = TreeHead(size: 1, root: MerkleTree.emptyRoot)
    let refused = witness.answer(request, known: known, time: 1) { _ in
      Issue.record("signed")
      return []
    }
    #expect(refused == .failure(.sizeConflict(known: 1)))
  }

  @Test("A request has at most 63 hashes, a size below 2^63 and 2 MiB")
  func limits() throws {
    let file = try VectorFile.load("witness-requests", as: File.self)
    let request = try WitnessRequest(Array(try #require(file.requests.first).request.utf8))
    func proof(_ count: Int) -> ConsistencyProof {
      ConsistencyProof(hashes: Array(repeating: MerkleTree.emptyRoot, count: count))
    }
    let note = request.note
    #expect(WitnessRequest(oldSize: 1 << 63 - 1, proof: proof(63), note: note) != nil)
    #expect(WitnessRequest(oldSize: 1 << 63, proof: proof(63), note: note) == nil)
    #expect(WitnessRequest(oldSize: 1, proof: proof(64), note: note) == nil)
    let text = try #require(
      SignedNote(text: Array("A text.\n".utf8), signatures: note.signatures))
    #expect(WitnessRequest(oldSize: 1, proof: proof(0), note: text) == nil)
    let long = [UInt8](repeating: UInt8(ascii: "a"), count: 2 << 20 + 1)
    #expect(throws: EvidenceError.tooLong(.witnessRequest, bytes: long.count, limit: 2 << 20)) {
      try WitnessRequest(long)
    }
  }
}
