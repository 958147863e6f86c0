import Bytes

/// Builds one of the log's own lines: words and fields of fixed width, then the line's checksum.
struct LineWriter {
  private(set) var bytes: [UInt8]

  init(_ word: String) {
    bytes = []
    // The line of a commit, and most others.
    bytes.reserveCapacity(320)
    bytes.append(UInt8(ascii: "#"))
    bytes.append(contentsOf: word.utf8)
  }

  private mutating func begin(_ name: String) {
    bytes.append(UInt8(ascii: " "))
    bytes.append(contentsOf: name.utf8)
    bytes.append(UInt8(ascii: "="))
  }

  mutating func number(_ name: String, _ value: UInt64, width: Int) {
    begin(name)
    var unit: UInt64 = 1
    for _ in 1..<width { unit *= 10 }
    invariant(value / 10 < unit, "\(name)=\(value) is wider than \(width) digits")
    while unit > 0 {
      bytes.append(UInt8(ascii: "0") + UInt8(value / unit % 10))
      unit /= 10
    }
  }

  mutating func checksum(_ name: String, _ value: UInt32) {
    begin(name)
    appendHex(value)
  }

  private mutating func appendHex(_ value: UInt32) {
    for shift in stride(from: UInt32(28), through: 0, by: -4) {
      bytes.append(Hex.digit(UInt8(value >> shift & 0xF)))
    }
  }

  mutating func hash(_ name: String, _ hash: Digest) { hashes(name, [hash]) }

  mutating func hashes(_ name: String, _ hashes: [Digest]) {
    begin(name)
    for hash in hashes { hash.appendHex(to: &bytes) }
  }

  mutating func instant(_ name: String, _ instant: Instant) {
    begin(name)
    instant.append(to: &bytes)
  }

  mutating func text(_ name: String, _ value: String) {
    begin(name)
    bytes.append(contentsOf: value.utf8)
  }

  /// The whole line with its checksum and its newline.
  consuming func finished(at place: Place) -> [UInt8] { finishedWithChecksum(at: place).bytes }

  /// The same, and the checksum.
  consuming func finishedWithChecksum(at place: Place) -> (bytes: [UInt8], crc: UInt32) {
    begin("crc")
    let checksum = lineChecksum(bytes[...], at: place)
    appendHex(checksum)
    bytes.append(UInt8(ascii: "\n"))
    return (bytes, checksum)
  }
}

/// Reads one of the log's own lines; every reader answers `nil` where the grammar isn't met.
struct LineReader {
  private let bytes: ArraySlice<UInt8>
  private var index: Int

  /// - Parameter bytes: The line with its newline, and nothing after it.
  init?(_ bytes: ArraySlice<UInt8>, word: StaticString) {
    self.bytes = bytes
    index = bytes.startIndex
    guard bytes.last == UInt8(ascii: "\n"), take("#"), take(word) else { return nil }
  }

  private mutating func take(_ text: StaticString) -> Bool {
    let end = index + text.utf8CodeUnitCount
    let start = bytes.startIndex
    guard end <= bytes.endIndex,
      unsafe bytes.span.bytes.holds(text, in: index - start..<end - start)
    else { return false }
    index = end
    return true
  }

  mutating func field(_ name: StaticString, width: Int) -> ArraySlice<UInt8>? {
    guard take(" "), take(name), take("="), index + width <= bytes.endIndex else { return nil }
    defer { index += width }
    return bytes[index..<index + width]
  }

  mutating func number(_ name: StaticString, width: Int) -> UInt64? {
    field(name, width: width).flatMap(Self.number)
  }

  mutating func checksum(_ name: StaticString) -> UInt32? {
    guard let digits = field(name, width: 8) else { return nil }
    var checksum: UInt32 = 0
    for digit in digits {
      guard let value = Hex.value(digit) else { return nil }
      checksum = checksum << 4 | UInt32(value)
    }
    return checksum
  }

  mutating func hash(_ name: StaticString) -> Digest? {
    field(name, width: 64).flatMap { unsafe Digest(hex: $0.span.bytes) }
  }

  mutating func hashes(_ name: StaticString, count: Int) -> [Digest]? {
    guard let field = field(name, width: 64 * count) else { return nil }
    var hashes: [Digest] = []
    for index in 0..<count {
      let start = field.startIndex + 64 * index
      guard let hash = unsafe Digest(hex: field[start..<start + 64].span.bytes) else { return nil }
      hashes.append(hash)
    }
    return hashes
  }

  mutating func instant(_ name: StaticString) -> Instant? {
    field(name, width: Instant.textLength).flatMap { unsafe Instant(text: $0.span.bytes) }
  }

  /// Whether nothing but the newline is left.
  var isAtNewline: Bool { index + 1 == bytes.endIndex }

  /// The line's own checksum, where it ends the line and holds at `place`.
  mutating func verifiedChecksum(at place: Place) -> UInt32? {
    guard let crc = checksum("crc"), index + 1 == bytes.endIndex,
      crc == lineChecksum(bytes[..<(index - 8)], at: place)
    else { return nil }
    return crc
  }

  /// The number that the digits spell, or `nil` where one is no digit or there are more than 18.
  static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
    guard digits.count <= 18 else { return nil }
    var number: UInt64 = 0
    for byte in digits {
      guard let digit = decimalValue(byte) else { return nil }
      number = number * 10 + UInt64(digit)
    }
    return number
  }
}

/// The CRC32C of a place and of a line's bytes up to and with `crc=`.
private func lineChecksum(_ line: ArraySlice<UInt8>, at place: Place) -> UInt32 {
  var checksum = CRC32C()
  place.append(to: &checksum)
  unsafe checksum.update(line.span.bytes)
  return checksum.value
}
