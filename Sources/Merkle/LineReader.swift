/// Reads a text of many lines from its front; each line must end with a newline.
struct LineReader {
  private let bytes: ArraySlice<UInt8>

  /// Where the next line begins.
  private(set) var offset: Int

  /// The number of the line that was read last, from 1.
  private(set) var number = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes[...]
    offset = 0
  }

  var isAtEnd: Bool { offset == bytes.endIndex }

  /// All that wasn't read yet.
  var rest: ArraySlice<UInt8> { bytes[offset...] }

  /// The next line without its newline, or `nil` where no newline follows.
  mutating func next() -> ArraySlice<UInt8>? {
    number += 1
    guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    defer { offset = end + 1 }
    return bytes[offset..<end]
  }
}

extension ArraySlice<UInt8> {
  /// What follows `prefix`, or `nil` where the bytes begin otherwise.
  func after(_ prefix: String) -> ArraySlice<UInt8>? {
    starts(with: prefix.utf8) ? dropFirst(prefix.utf8.count) : nil
  }

  /// The text, or `nil` where it isn't UTF-8 or holds a control character below U+0020.
  var line: String? {
    allSatisfy { $0 >= 0x20 } ? String(validating: self, as: UTF8.self) : nil
  }
}
