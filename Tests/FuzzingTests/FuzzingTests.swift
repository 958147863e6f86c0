import Foundation
import Fuzzing
import Testing

/// What libFuzzer found worth keeping, once more; `tools/fuzz` goes on from there.
@Suite("Bytes that come from anywhere", .timeLimit(.minutes(60)))
struct FuzzingTests {
  private static let corpus = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Corpus")

  private static func inputs(of name: String) throws -> [(name: String, bytes: [UInt8])] {
    let folder = corpus.appendingPathComponent(name)
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { file in
      (file, Array(try Data(contentsOf: folder.appendingPathComponent(file))))
    }
  }

  @Test("break no promise, whatever was kept of them", arguments: FuzzTarget.all.map(\.name))
  func corpus(of name: String) throws {
    let target = try #require(FuzzTarget.named(name))
    let inputs = try Self.inputs(of: name)
    #expect(!inputs.isEmpty)
    for input in inputs {
      #expect(input.bytes.count <= target.limit, "\(name)/\(input.name) is longer than is tried")
      target.run(input.bytes)
    }
  }

  @Test("belong to a target each, and no target has a name twice")
  func folders() throws {
    let names = FuzzTarget.all.map(\.name)
    #expect(Set(names).count == names.count)
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.corpus.path)
    #expect(folders.sorted() == names.sorted())
  }

  @Test("end the process where a promise is broken")
  func canary() async throws {
    await #expect(processExitsWith: .failure) { FuzzTarget.canary.run(Array("torn tail".utf8)) }
    FuzzTarget.canary.run(Array("tern".utf8))
  }

  @Test("are few enough to lie beside the code")
  func size() throws {
    var total = 0
    for target in FuzzTarget.all {
      total += try Self.inputs(of: target.name).reduce(0) { $0 + $1.bytes.count }
    }
    #expect(total < 300_000)
  }
}
