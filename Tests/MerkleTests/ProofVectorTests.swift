import Bytes
import Foundation
import Merkle
import Simulation
import Testing

@Suite("Vectors of proofs") struct ProofVectorTests {
  struct Inclusion: Decodable {
    let what, index, size, leaf, root: String
    let hashes: [String]

    /// The proof's verdict, or a failed test where the vector can't be read.
    func isProved() throws -> Bool {
      let leaf = try #require(Digest(hex: leaf.utf8), "\(what)")
      let root = try #require(Digest(hex: root.utf8), "\(what)")
      let index = try #require(UInt64(index), "\(what)")
      let head = TreeHead(size: try #require(UInt64(size), "\(what)"), root: root)
      let hashes = try hashes.map { try #require(Digest(hex: $0.utf8), "\(what)") }
      return InclusionProof(hashes: hashes).proves(leaf: leaf, at: index, in: head)
    }
  }

  struct Consistency: Decodable {
    let what, oldSize, newSize, oldRoot, newRoot: String
    let hashes: [String]

    enum CodingKeys: String, CodingKey {
      case what, hashes
      case oldSize = "old_size"
      case newSize = "new_size"
      case oldRoot = "old_root"
      case newRoot = "new_root"
    }

    func isProved() throws -> Bool {
      func head(_ size: String, _ root: String) throws -> TreeHead {
        TreeHead(
          size: try #require(UInt64(size), "\(what)"),
          root: try #require(Digest(hex: root.utf8), "\(what)"))
      }
      let hashes = try hashes.map { try #require(Digest(hex: $0.utf8), "\(what)") }
      return try ConsistencyProof(hashes: hashes)
        .proves(head(oldSize, oldRoot), growsInto: head(newSize, newRoot))
    }
  }

  struct File<Vector: Decodable>: Decodable {
    let vectors, refused: [Vector]
  }

  @Test("The ledger's own inclusion proofs are accepted, and the false ones refused")
  func inclusion() throws {
    let file = try VectorFile.load("inclusion-proofs", as: File<Inclusion>.self)
    #expect(file.vectors.count > 100 && file.refused.count > 150)
    for vector in file.vectors { #expect(try vector.isProved(), "\(vector.what)") }
    for vector in file.refused { #expect(try !vector.isProved(), "\(vector.what)") }
  }

  @Test("The ledger's own consistency proofs are accepted, and the false ones refused")
  func consistency() throws {
    let file = try VectorFile.load("consistency-proofs", as: File<Consistency>.self)
    #expect(file.vectors.count > 90 && file.refused.count > 150)
    for vector in file.vectors { #expect(try vector.isProved(), "\(vector.what)") }
    for vector in file.refused { #expect(try !vector.isProved(), "\(vector.what)") }
  }

  @Test("The program beside the vectors writes exactly the vectors that are kept")
  func generator() throws {
    let directory = FileManager.default.temporaryDirectory
      .appending(path: "vectors-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let kept = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "ledger/vectors")
    let program = Process()
    program.executableURL = URL(filePath: "/usr/bin/env")
    program.arguments = ["python3", kept.appending(path: "evidence.py").path, directory.path]
    try program.run()
    program.waitUntilExit()
    #expect(program.terminationStatus == 0)
    let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    #expect(!names.isEmpty)
    for name in names {
      #expect(
        try Data(contentsOf: directory.appending(path: name))
          == Data(contentsOf: kept.appending(path: name)),
        "\(name) isn't what evidence.py writes; run evidence.py ledger/vectors")
    }
  }
}

/// Proofs that somebody else published, good and hostile: a folder that isn't kept here.
@Suite("Foreign vectors of proofs") struct ForeignProofTests {
  static let variable = "DISPATCH_LEDGER_PROOF_VECTORS"

  struct Inclusion: Decodable {
    let leafIdx, treeSize: UInt64
    let root, leafHash: String
    let proof: [String]?
    let desc: String
    let wantErr: Bool

    var isProved: Bool {
      guard let leaf = digest(leafHash), let root = digest(root), let hashes = digests(proof) else {
        return false
      }
      return InclusionProof(hashes: hashes)
        .proves(leaf: leaf, at: leafIdx, in: TreeHead(size: treeSize, root: root))
    }
  }

  struct Consistency: Decodable {
    let size1, size2: UInt64
    let root1, root2: String
    let proof: [String]?
    let desc: String
    let wantErr: Bool

    var isProved: Bool {
      guard let old = digest(root1), let new = digest(root2), let hashes = digests(proof) else {
        return false
      }
      return ConsistencyProof(hashes: hashes)
        .proves(TreeHead(size: size1, root: old), growsInto: TreeHead(size: size2, root: new))
    }
  }

  @Test("All 196 of transparency-dev/merkle get the verdict that they ask for")
  func verdicts() throws {
    let environment = ProcessInfo.processInfo.environment
    guard let folder = environment[Self.variable] else {
      let text = "NOT TESTED: \(Self.variable) names no folder, so 196 foreign proofs weren't tried"
      FileHandle.standardError.write(Data("\n*** \(text) ***\n\n".utf8))
      if environment["CI"] == "true" { Issue.record("\(text)") }
      return
    }
    let directory = URL(filePath: folder).appending(path: "merkle-proofs")
    let names = FileManager.default.enumerator(atPath: directory.path)?.allObjects as? [String]
    let files = (names ?? []).filter { $0.hasSuffix(".json") }.sorted()
    var accepted = 0
    for name in files {
      let data = try Data(contentsOf: directory.appending(path: name))
      let isProved: Bool
      let isFalse: Bool
      if name.hasPrefix("inclusion/") {
        let vector = try JSONDecoder().decode(Inclusion.self, from: data)
        (isProved, isFalse) = (vector.isProved, vector.wantErr)
      } else {
        let vector = try JSONDecoder().decode(Consistency.self, from: data)
        (isProved, isFalse) = (vector.isProved, vector.wantErr)
      }
      #expect(isProved != isFalse, "\(name)")
      if isProved { accepted += 1 }
    }
    #expect(files.count == 196, "in \(directory.path)")
    #expect(accepted == 12)
  }
}

/// The digest that base 64 spells, or `nil`.
///
/// No bytes are no digest. Other bytes than 32 stand where only their being equal matters; a digest
/// of them, which no tree has, is put for those.
private func digest(_ text: String) -> Digest? {
  guard let bytes = Base64.decode(text.utf8), !bytes.isEmpty else { return nil }
  return Digest(bytes: bytes) ?? SHA256.hash(Array("not a digest: ".utf8) + bytes)
}

private func digests(_ texts: [String]?) -> [Digest]? {
  let texts = texts ?? []
  let digests = texts.compactMap(digest)
  return digests.count == texts.count ? digests : nil
}
