/// A kind of bytes that come from anywhere, and what must hold whatever they are.
///
/// `ledger-fuzz` lets libFuzzer make them (`tools/fuzz`), and a test runs all that were kept.
package struct FuzzTarget: Sendable {
  /// Names the folder of its corpus too.
  package let name: String
  /// The longest input that is worth making, in bytes.
  package let limit: Int
  private let body: @Sendable ([UInt8]) -> Void

  init(_ name: String, limit: Int, body: @escaping @Sendable ([UInt8]) -> Void) {
    self.name = name
    self.limit = limit
    self.body = body
  }

  /// Returns, or ends the process where a promise is broken.
  package func run(_ bytes: [UInt8]) { body(bytes) }

  /// All of them; each name once.
  package static let all: [FuzzTarget] =
    LedgerTargets.all + EventTargets.all + EvidenceTargets.all + InputTargets.all
    + TextTargets.all

  /// A bug that is planted to see that it is found: it takes four right bytes, one after the other.
  package static let canary = FuzzTarget("canary", limit: 64) { bytes in
    promise(!bytes.starts(with: "torn".utf8), "the canary is found")
  }

  /// The one of that name, the canary too.
  package static func named(_ name: String) -> FuzzTarget? {
    (all + [canary]).first { $0.name == name }
  }
}

/// What must be true of an input; where it isn't, the process ends and says so.
func promise(_ isKept: Bool, _ text: @autoclosure () -> String) {
  if !isKept { fatalError("broken: \(text())") }
}

/// The text of bytes that are UTF-8.
func text(_ bytes: some Collection<UInt8>) -> String? {
  String(validating: bytes, as: UTF8.self)
}
