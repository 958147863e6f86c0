import Bytes

/// Rows by their keys, which are any bytes: the same key is the same row, numbered in the order in which
/// they came.
///
/// A key costs its bytes and some 20 more; nothing is allocated for one alone.
struct KeyTable {
  private(set) var count = 0
  /// All keys, one behind the other.
  private var bytes: [UInt8] = []
  private var ends: [Int] = []
  /// The row and 1, at the key's hash or behind it; 0 where there is none.
  private var slots = [UInt32](repeating: 0, count: 64)

  /// No other process hashes alike, so that nobody can write keys that collide here.
  private static let seed = UInt64(truncatingIfNeeded: 0.hashValue) | 1

  /// The row of a key, which is made where there is none.
  mutating func row(of key: RawSpan) -> Int {
    var slot = Self.hash(key) & (slots.count - 1)
    while slots[slot] != 0 {
      let row = Int(slots[slot]) - 1
      if holds(key, row) { return row }
      slot = (slot + 1) & (slots.count - 1)
    }
    for offset in 0..<key.byteCount { bytes.append(key.byte(at: offset)) }
    ends.append(bytes.count)
    count += 1
    slots[slot] = UInt32(count)
    if count * 2 > slots.count { grow() }
    return count - 1
  }

  /// Forgets all keys, and keeps the room.
  mutating func removeAll() {
    if count == 0 { return }
    count = 0
    bytes.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    for slot in slots.indices { slots[slot] = 0 }
  }

  /// What `body` makes of a row's key.
  func withKey<Result>(_ row: Int, _ body: (RawSpan) -> Result) -> Result {
    body(unsafe bytes.span.extracting(range(row)).bytes)
  }

  func key(_ row: Int) -> ArraySlice<UInt8> { bytes[range(row)] }

  private func range(_ row: Int) -> Range<Int> { (row == 0 ? 0 : ends[row - 1])..<ends[row] }

  private func holds(_ key: RawSpan, _ row: Int) -> Bool {
    unsafe bytes.span.extracting(range(row)).bytes.holds(key)
  }

  private mutating func grow() {
    slots = [UInt32](repeating: 0, count: slots.count * 4)
    for row in 0..<count {
      var slot = withKey(row) { Self.hash($0) } & (slots.count - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = UInt32(row + 1)
    }
  }

  private static func hash(_ key: RawSpan) -> Int {
    var hash = seed ^ UInt64(key.byteCount)
    var offset = 0
    while offset < key.byteCount {
      let product = (hash ^ key.word(at: offset)).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
      hash = (product.high ^ product.low) &+ seed
      offset += 8
    }
    return Int(truncatingIfNeeded: hash ^ (hash >> 32))
  }
}
