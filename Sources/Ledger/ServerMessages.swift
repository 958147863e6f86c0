package import Bytes
import Dispatching
import EventLog
import Events
import Merkle
import Views

/// A message between a server and its clients (`FORMAT.md` §29): a JSON object, and lines behind it.
package struct ServerMessage {
  /// The version of what is said.
  static let version: Int64 = 1
  /// The most bytes of a message, and of one with a commit, which only whoever has the turn may send.
  package static let limit = 256 << 10
  static let commitLimit = LogLimit.commitBytes + (64 << 10)
  /// What stands before each message: its length, the greatest byte first.
  package static let lengthBytes = 4

  package var header: JSONObject
  /// Whole lines, each with its newline.
  var lines: ArraySlice<UInt8> = []

  package init(_ header: JSONObject, lines: [UInt8] = []) {
    self.header = header
    self.lines = lines[...]
  }

  /// Reads what stands behind a length; `nil` where it is no message.
  package init?(_ bytes: ArraySlice<UInt8>) {
    let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
    guard case .object(let header)? = try? JSON(parsing: Array(bytes[..<end])) else { return nil }
    self.header = header
    lines = bytes[min(end + 1, bytes.endIndex)...]
    guard lines.isEmpty || lines.last == UInt8(ascii: "\n") else { return nil }
  }

  /// The message as it is sent.
  package var encoded: [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Self.lengthBytes)
    header.appendCanonical(to: &bytes)
    bytes.append(UInt8(ascii: "\n"))
    bytes.append(contentsOf: lines)
    let count = UInt32(bytes.count - Self.lengthBytes)
    for index in 0..<Self.lengthBytes {
      bytes[index] = UInt8(truncatingIfNeeded: count >> UInt32(8 * (3 - index)))
    }
    return bytes
  }

  /// The length that stands before a message.
  package static func length(_ bytes: some Sequence<UInt8>) -> Int {
    bytes.prefix(lengthBytes).reduce(0) { $0 << 8 | Int($1) }
  }

  /// What the bytes that have come begin with.
  package enum Framed {
    case message(ServerMessage)
    /// Some of it hasn't come yet.
    case incomplete
    /// More bytes than a message may have are announced, or they are no message.
    case malformed
  }

  /// Takes the first message away from what has come; more is never asked for than was looked at.
  package static func take(from input: inout [UInt8], limit: Int) -> Framed {
    guard input.count >= lengthBytes else { return .incomplete }
    let length = length(input)
    guard length <= limit else { return .malformed }
    let end = lengthBytes + length
    guard input.count >= end else { return .incomplete }
    guard let message = ServerMessage(input[lengthBytes..<end]) else { return .malformed }
    input.removeSubrange(..<end)
    return .message(message)
  }

  var splitLines: [[UInt8]] {
    lines.split(separator: UInt8(ascii: "\n")).map { Array($0) }
  }
}

// MARK: - What stands in messages

extension JSONObject {
  func text(_ key: String) -> String? {
    if case .string(let text)? = self[key] { text } else { nil }
  }

  func number(_ key: String) -> Int? {
    if case .integer(let number)? = self[key] { Int(number) } else { nil }
  }

  func flag(_ key: String) -> Bool? {
    if case .bool(let flag)? = self[key] { flag } else { nil }
  }

  /// A number that is kept as text, as those of events are.
  func count(_ key: String) -> UInt64? { text(key).flatMap { EventID(eventID: $0) } }

  func digest(_ key: String) -> Digest? { text(key).flatMap { Digest(hex: $0.utf8) } }

  mutating func set(_ key: String, _ count: UInt64) { self[key] = .string(String(count)) }

  /// A position as the object `key`.
  func position(_ key: String) -> LogPosition? {
    guard case .object(let object)? = self[key], let size = object.count("size"),
      let segment = object.count("segment"), let offset = object.count("offset")
    else { return nil }
    return LogPosition(size: size, segment: segment, offset: offset)
  }

  mutating func set(_ key: String, _ position: LogPosition) {
    var object = JSONObject()
    object.set("size", position.size)
    object.set("segment", position.segment)
    object.set("offset", position.offset)
    self[key] = .object(object)
  }
}

extension LogError {
  /// A failure of the writer, as a server tells it.
  init?(_ header: JSONObject) {
    guard let name = header.text("operation"),
      let operation = StorageError.Operation(rawValue: name), let path = header.text("path"),
      let code = header.number("code"), let isUnknown = header.flag("unknown")
    else { return nil }
    let error = StorageError(operation: operation, path: path, code: Int32(clamping: code))
    self = isUnknown ? .outcomeUnknown(error) : .notWritten(error)
  }

  /// What says so; `nil` of other failures.
  var message: ServerMessage? {
    let (error, isUnknown): (StorageError, Bool)
    switch self {
    case .notWritten(let failure): (error, isUnknown) = (failure, false)
    case .outcomeUnknown(let failure): (error, isUnknown) = (failure, true)
    default: return nil
    }
    return ServerMessage([
      "answer": "failed", "code": .integer(Int64(error.code)),
      "operation": .string(error.operation.rawValue), "path": .string(error.path),
      "unknown": .bool(isUnknown),
    ])
  }
}

extension IdempotencyRow {
  init?(_ header: JSONObject) {
    guard let key = header.text("key"),
      let hash = header.text("hash").flatMap({ HexDigest($0) }),
      let first = header.count("first"), let last = header.count("last"), first <= last,
      let segment = header.count("segment"), let offset = header.count("offset"),
      let length = header.number("length")
    else { return nil }
    self.init(
      key: key, hash: hash, first: first, last: last,
      location: EventLocation(segment: segment, offset: offset, length: length))
  }

  func write(to header: inout JSONObject) {
    header["key"] = .string(key)
    header["hash"] = .string(hash.text)
    header.set("first", first)
    header.set("last", last)
    header.set("segment", location.segment)
    header.set("offset", location.offset)
    header["length"] = .integer(Int64(location.length))
  }
}
