import Bytes
import Foundation
import Merkle
import Testing

/// What leaves the house: proofs, cosignatures and static files, checked without the ledger.
@Suite("Proofs for whoever has no ledger", .timeLimit(.minutes(30)))
struct ProofTests {
  let ledger: ProgramLedger
  let folder: TemporaryFolder

  init() throws {
    ledger = try ProgramLedger()
    folder = try TemporaryFolder()
    for _ in 0..<3 { try dispatch(ledger.path) }
  }

  private func dispatch(_ path: String) throws {
    let ended = try Shell.run(
      "dispatch-ledger",
      ["dispatch", ProgramLedger.requests + "/open-ended.json", "-C", path])
    #expect(ended.status == 0, "\(ended.talk)")
  }

  private func audit(_ arguments: [String], _ input: String? = nil) throws -> Ended {
    try Shell.run("ledger-audit", arguments, input: input)
  }

  private func python(_ arguments: [String]) throws -> Ended {
    try Shell.run(
      "/usr/bin/env",
      ["python3", "-B", ProgramLedger.repository + "/tools/verify-ledger.py"] + arguments)
  }

  private func vkey(_ path: String? = nil) throws -> String {
    let identity = try String(contentsOfFile: (path ?? ledger.path) + "/LEDGER", encoding: .utf8)
    return try #require(try object(identity)["vkey"] as? String)
  }

  private func checkpoint(_ path: String? = nil) throws -> String {
    try String(contentsOfFile: (path ?? ledger.path) + "/checkpoint", encoding: .utf8)
  }

  @Test("every event is proved, by both implementations, and no other bytes are")
  func inclusion() throws {
    let key = try vkey()
    let lines = try ledger.eventLines()
    #expect(lines.count == 12)
    for (id, line) in lines.enumerated() {
      let file = "\(folder.path)/\(id).tlog-proof"
      let leaf = "\(folder.path)/\(id).leaf"
      let made = try audit(["prove", "\(id)", "--out", file, "-C", ledger.path])
      #expect(made.status == 0, "\(made.talk)")
      #expect(try String(contentsOfFile: leaf, encoding: .utf8) == line)
      #expect(
        try audit(["proof", "check", file, "--vkey", key]).output
          == "event \(id) is one of the 12 events of example.com/dr\n")
      #expect(try python(["--proof", file, "--event", leaf, "--vkey", key]).output == "proved\n")
      let other = "\(folder.path)/other"
      try (line.dropLast() + " }").write(toFile: other, atomically: false, encoding: .utf8)
      #expect(try audit(["proof", "check", file, "--event", other, "--vkey", key]).status == 4)
      #expect(try python(["--proof", file, "--event", other, "--vkey", key]).status == 4)
    }
    let other = try ProgramLedger()
    let stranger = try vkey(other.path)
    let file = "\(folder.path)/7.tlog-proof"
    #expect(try audit(["proof", "check", file, "--vkey", stranger]).status == 4)
    #expect(
      try python(["--proof", file, "--event", "\(folder.path)/7.leaf", "--vkey", stranger]).status
        == 4)
    #expect(try audit(["prove", "12", "-C", ledger.path]).status == 66)
  }

  @Test("that the ledger only grew is proved from each size to each larger one")
  func growth() throws {
    for (old, new) in [(1, 12), (6, 8), (8, 12), (7, 7), (11, 12)] {
      let made = try audit(
        ["prove", "--from-size", "\(old)", "--to-size", "\(new)", "-C", ledger.path])
      #expect(made.status == 0, "\(made.talk)")
      let file = "\(folder.path)/growth"
      try made.output.write(toFile: file, atomically: false, encoding: .utf8)
      #expect(try python(["--growth", file]).output == "proved\n")
      // The roots are those that the checkpoints of the sizes have.
      if new == 12 {
        let root = try #require(try object(made.output)["root2"] as? String)
        #expect(try checkpoint().contains("\n12\n\(root)\n"))
      }
      let altered = made.output.replacing("\"size1\":\"\(old)\"", with: "\"size1\":\"\(old + 1)\"")
      try altered.write(toFile: file, atomically: false, encoding: .utf8)
      #expect(try python(["--growth", file]).status != 0, "\(old) to \(new)")
    }
    #expect(
      try audit(["prove", "--from-size", "8", "--to-size", "13", "-C", ledger.path]).status == 66)
  }

  @Test("an index that was altered or is gone changes no proof")
  func index() throws {
    let path = ledger.path + "/index/tree"
    let right = try audit(["prove", "7", "-C", ledger.path]).output
    let index = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(!index.isEmpty)
    for place in stride(from: 0, to: index.count, by: 31) {
      var altered = index
      altered[place] ^= 1
      try altered.write(to: URL(fileURLWithPath: path))
      #expect(try audit(["prove", "7", "-C", ledger.path]).output == right, "byte \(place)")
    }
    try FileManager.default.removeItem(atPath: path)
    #expect(try audit(["prove", "7", "-C", ledger.path]).output == right)
    // The next events bring it up again from wherever it ends.
    for count in [0, 40, 64] {
      try index.prefix(count).write(to: URL(fileURLWithPath: path))
      try dispatch(ledger.path)
      let again = try Data(contentsOf: URL(fileURLWithPath: path))
      #expect(again.count > index.count && again.starts(with: index), "from \(count)")
    }
  }

  /// The body of add-checkpoint (C2SP tlog-witness).
  private func request(from old: Int, _ path: String? = nil) throws -> String {
    let note = try checkpoint(path)
    let size = try #require(note.split(separator: "\n").dropFirst().first)
    var body = "old \(old)\n"
    if old > 0 {
      let made = try audit(
        ["prove", "--from-size", "\(old)", "--to-size", "\(size)", "-C", path ?? ledger.path])
      for hash in try object(made.output)["hashes"] as? [String] ?? [] { body += hash + "\n" }
    }
    return body + "\n" + note
  }

  @Test("a witness cosigns what only grew, remembers it, and each refusal has its exit status")
  func witness() throws {
    let state = folder.path + "/seen"
    let keyFile = folder.path + "/witness.key"
    let made = try audit(
      ["witness", "--make-key", "example.com/witness", "--signing-key", keyFile])
    let witnessKey = made.output.trimmingCharacters(in: .newlines)
    #expect(made.status == 0 && witnessKey.hasPrefix("example.com/witness+"))
    #expect(
      try audit(["witness", "--make-key", "example.com/witness", "--signing-key", keyFile]).status
        == 73)
    let key = try vkey()
    let other = try ProgramLedger()
    func ask(_ body: String, log: String? = nil) throws -> Ended {
      try audit(
        ["witness", "--state", state, "--signing-key", keyFile, "--log", log ?? key], body)
    }
    #expect(try ask("old 0\n").status == 65)
    #expect(
      try ask(request(from: 0), log: "example.com/other" + key.dropFirst("example.com/dr".count))
        .status != 0)
    #expect(try ask(request(from: 0), log: vkey(other.path)).status == 77)
    let first = try ask(request(from: 0))
    #expect(first.status == 0, "\(first.talk)")
    #expect(first.output.hasPrefix("\u{2014} example.com/witness "))
    // The ledger takes it in, and a policy that asks for this witness is satisfied.
    let taken = try ledger.operate(["checkpoint", "--cosigned", "-"], input: first.output)
    #expect(taken.status == 0, "\(taken.talk)")
    let policy = folder.path + "/policy"
    try "log \(key)\nwitness w \(witnessKey)\nquorum w\n"
      .write(toFile: policy, atomically: false, encoding: .utf8)
    let held = try audit(["verify", "--vkey", key, "--policy", policy, "-C", ledger.path])
    #expect(held.status == 0, "\(held.output)\(held.talk)")
    let file = folder.path + "/9.tlog-proof"
    _ = try audit(["prove", "9", "--out", file, "-C", ledger.path])
    let proof = try audit(["proof", "check", file, "--policy", policy, "--json"])
    #expect(proof.status == 0, "\(proof.talk)")
    #expect(try object(proof.output)["cosigners"] as? [String] == ["example.com/witness"])
    // Without that cosignature it isn't.
    let copy = folder.path + "/fork"
    try FileManager.default.copyItem(atPath: ledger.path, toPath: copy)
    try dispatch(ledger.path)
    let grown = try audit(["prove", "9", "--out", file, "-C", ledger.path])
    #expect(grown.status == 0)
    #expect(try audit(["proof", "check", file, "--policy", policy]).status == 4)
    // Another size than the witness knows: it says which; then the proof from there.
    let conflict = try ask(request(from: 8))
    #expect(conflict.status == 3 && conflict.output == "12\n")
    let body = try request(from: 12)
    let hash = try #require(body.split(separator: "\n").dropFirst().first)
    let altered = (hash.first == "A" ? "B" : "A") + hash.dropFirst()
    #expect(try ask(body.replacing(hash, with: altered)).status == 4)
    #expect(try ask(body).status == 0)
    // Whoever was shown another history of as many events brings it to the same witness.
    try dispatch(copy)
    #expect(try checkpoint(copy) != checkpoint())
    let forked = try ask("old 14\n\n" + checkpoint(copy))
    #expect(forked.status == 4)
    #expect(forked.talk.contains("fork"), "\(forked.talk)")
  }

  @Test("an export is read by golang.org/x/mod, and names each file once it is whole")
  func export() throws {
    let out = folder.path + "/tiles"
    let made = try audit(["export", "--out", out, "--event", "9", "-C", ledger.path])
    #expect(made.status == 0, "\(made.talk)")
    #expect(try audit(["export", "--out", out, "-C", ledger.path]).status == 73)
    #expect(
      try audit(["proof", "check", out + "/proofs/9.tlog-proof", "--vkey", out + "/vkey"]).status
        == 0)
    let lines = try ledger.eventLines()
    let root = try #require(try checkpoint().split(separator: "\n").dropFirst(2).first)
    let build = try Shell.run(
      "/usr/bin/env",
      [
        "GO111MODULE=off", "GOPATH=/usr/share/gocode", "GOFLAGS=",
        "GOCACHE=" + folder.path + "/cache", "go", "build", "-o", folder.path + "/reader",
        ProgramLedger.repository + "/Tests/Interop/evidence.go",
      ])
    #expect(build.status == 0, "\(build.talk)")
    for (id, line) in lines.enumerated() {
      // Its proof, made from the exported tiles and checked against the root, and the event's.
      let hashes = try Shell.run(
        folder.path + "/reader", [], input: "tiles \(out) 12 \(root) \(id)\n"
      ).output.trimmingCharacters(in: .newlines)
      #expect(hashes != "no")
      let leaf = MerkleTree.leafHash(Array(line.utf8)).base64
      let verdict = try Shell.run(
        folder.path + "/reader", [], input: "record 12 \(root) \(id) \(leaf) \(hashes)\n")
      #expect(verdict.output == "ok\n", "event \(id)")
    }
  }
}
