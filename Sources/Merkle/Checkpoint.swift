import Bytes

/// What a log says of itself: name, size and root (c2sp.org/tlog-checkpoint).
///
/// Its text is three lines, and lines of extensions that others may have added:
/// ```
/// example.com/dr
/// 68
/// FLkTcxysYyRwNwfXcNRSUrXg8p7KEFpjgzBcN9qZl4I=
/// ```
package struct Checkpoint: Hashable, Sendable {
  package let origin: String
  package let head: TreeHead
  /// Lines after the third one; none in a checkpoint that a ledger makes.
  package let extensions: [String]

  package init(origin: String, head: TreeHead) {
    self.origin = origin
    self.head = head
    extensions = []
  }

  /// Reads the text of a note; the inverse of ``text``.
  package init?(text: [UInt8]) {
    guard text.last == UInt8(ascii: "\n"), let whole = String(validating: text, as: UTF8.self)
    else { return nil }
    let lines = whole.utf8.dropLast().split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    guard lines.count >= 3, lines.allSatisfy({ !$0.isEmpty }),
      let size = UInt64(Substring(lines[1])), lines[1].elementsEqual(String(size).utf8),
      let bytes = Base64.decode(lines[2]), let root = Digest(bytes: bytes)
    else { return nil }
    origin = String(Substring(lines[0]))
    head = TreeHead(size: size, root: root)
    extensions = lines.dropFirst(3).map { String(Substring($0)) }
  }

  /// The bytes that are signed.
  package var text: [UInt8] {
    let lines = [origin, String(head.size), head.root.base64] + extensions
    return Array(lines.map { "\($0)\n" }.joined().utf8)
  }
}
