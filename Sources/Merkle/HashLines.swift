import Bytes

/// Proofs as lines of text: base 64 of a hash a line, then an empty line.
enum HashLines {
  /// How many hashes may stand in a text; enough for trees of 2^63 - 1 leaves.
  static let limit = 63

  /// Reads the lines up to and with the empty one.
  ///
  /// - Throws: `.malformed` with the number of the line.
  static func read(
    _ reader: inout LineReader, of form: EvidenceForm
  ) throws(EvidenceError) -> [Digest] {
    var hashes: [Digest] = []
    while true {
      guard let line = reader.next() else { throw .malformed(form, line: reader.number) }
      if line.isEmpty { return hashes }
      guard hashes.count < limit, let bytes = Base64.decode(line), let hash = Digest(bytes: bytes)
      else { throw .malformed(form, line: reader.number) }
      hashes.append(hash)
    }
  }

  /// What ``read(_:of:)`` reads.
  static func text(_ hashes: [Digest]) -> String {
    hashes.map { "\($0.base64)\n" }.joined() + "\n"
  }
}
