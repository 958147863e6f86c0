import Bytes

/// Why bytes are not a time zone file.
package struct ZoneFileError: Error, Hashable, Sendable {
  package enum Reason: Hashable, Sendable {
    /// The file doesn't begin with `TZif` and a version.
    case notTZif
    /// The file ends before what its header counts.
    case tooShort
    /// A count that no valid file has, or one that can't be true of the file's length.
    case badCount
    /// Transitions that don't ascend.
    case notAscending
    /// A transition names a type that isn't there.
    case unknownType
    /// An offset of 26 hours or more.
    case badOffset
    /// The file counts leap seconds: its times aren't UTC's.
    case leapSeconds
    case badFooter
  }

  /// Bytes from the file's start.
  package let offset: Int
  package let reason: Reason
}

extension ZoneRules {
  /// Reads a TZif file, versions 1 to 4 (RFC 9636); any bytes are safe to give.
  ///
  /// Of a version 2 or later, the 64-bit part is read and the 32-bit part before it skipped. Files
  /// that count leap seconds are refused, because the ledger's instants don't.
  package init(tzif bytes: [UInt8]) throws(ZoneFileError) {
    var reader = ZoneFileReader(bytes)
    let first = try reader.header()
    if first.version < UInt8(ascii: "2") {
      self = try reader.rules(first, timeBytes: 4, footer: false)
      return
    }
    try reader.skip(first.blockLength(timeBytes: 4))
    let second = try reader.header()
    self = try reader.rules(second, timeBytes: 8, footer: true)
  }
}

private struct ZoneFileHeader {
  let version: UInt8
  let isUTCount: Int
  let isStandardCount: Int
  let leapCount: Int
  let transitionCount: Int
  let typeCount: Int
  let nameBytes: Int

  /// Counts are below 2^20 each, so the sum can't overflow.
  func blockLength(timeBytes: Int) -> Int {
    transitionCount * (timeBytes + 1) + typeCount * 6 + nameBytes
      + leapCount * (timeBytes + 4) + isStandardCount + isUTCount
  }
}

private struct ZoneFileReader {
  private let bytes: [UInt8]
  private var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  private func failure(_ reason: ZoneFileError.Reason) -> ZoneFileError {
    ZoneFileError(offset: offset, reason: reason)
  }

  mutating func skip(_ count: Int) throws(ZoneFileError) {
    guard count <= bytes.count - offset else { throw failure(.tooShort) }
    offset += count
  }

  private mutating func integer(bytes count: Int) throws(ZoneFileError) -> Int64 {
    let start = offset
    try skip(count)
    let field = bytes[start..<offset]
    let isNegative = (field.first ?? 0) >= 0x80
    return field.reduce(isNegative ? -1 : 0) { $0 << 8 | Int64($1) }
  }

  mutating func header() throws(ZoneFileError) -> ZoneFileHeader {
    guard bytes[offset...].starts(with: "TZif".utf8) else { throw failure(.notTZif) }
    try skip(4)
    let versionOffset = offset
    try skip(16)
    let version = bytes[versionOffset]
    guard version == 0 || version >= UInt8(ascii: "2") else {
      throw ZoneFileError(offset: versionOffset, reason: .notTZif)
    }
    var counts: [Int] = []
    for _ in 0..<6 {
      let count = try integer(bytes: 4)
      guard (0..<(1 << 20)).contains(count) else { throw failure(.badCount) }
      counts.append(Int(count))
    }
    return ZoneFileHeader(
      version: version, isUTCount: counts[0], isStandardCount: counts[1], leapCount: counts[2],
      transitionCount: counts[3], typeCount: counts[4], nameBytes: counts[5])
  }

  mutating func rules(
    _ header: ZoneFileHeader, timeBytes: Int, footer hasFooter: Bool
  ) throws(ZoneFileError) -> ZoneRules {
    guard header.leapCount == 0 else { throw failure(.leapSeconds) }
    guard (1...256).contains(header.typeCount) else { throw failure(.badCount) }
    // Checked as a whole, so that no list is longer than the file.
    guard header.blockLength(timeBytes: timeBytes) <= bytes.count - offset else {
      throw failure(.tooShort)
    }
    var times: [Int64] = []
    for _ in 0..<header.transitionCount {
      let time = try integer(bytes: timeBytes)
      if let last = times.last, last >= time { throw failure(.notAscending) }
      times.append(time)
    }
    var types: [Int] = []
    for _ in 0..<header.transitionCount {
      let type = Int(bytes[offset])
      guard type < header.typeCount else { throw failure(.unknownType) }
      types.append(type)
      try skip(1)
    }
    var typeOffsets: [Int] = []
    for _ in 0..<header.typeCount {
      let seconds = try integer(bytes: 4)
      guard (-93_599...93_599).contains(seconds) else { throw failure(.badOffset) }
      typeOffsets.append(Int(seconds))
      try skip(2)
    }
    try skip(header.nameBytes + header.isStandardCount + header.isUTCount)
    return ZoneRules(
      transitions: times, offsets: [typeOffsets[0]] + types.map { typeOffsets[$0] },
      footer: hasFooter ? try footer() : nil)
  }

  private mutating func footer() throws(ZoneFileError) -> PosixZone? {
    guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\n") else {
      throw failure(.badFooter)
    }
    offset += 1
    guard let end = bytes[offset...].firstIndex(of: UInt8(ascii: "\n")) else {
      throw failure(.badFooter)
    }
    // An empty footer: nobody knows what comes after the last transition.
    if end == offset { return nil }
    guard let zone = PosixZone(bytes[offset..<end]) else { throw failure(.badFooter) }
    return zone
  }
}
