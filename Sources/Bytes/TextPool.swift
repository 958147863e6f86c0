/// Strings that were made before, by their bytes, so that a text that comes again isn't made again.
///
/// Most texts of a log come again soon: the id of a dispatch in each of its events, and names of
/// zones, users and channels in all of them. A look-up costs a fraction of making a string that has
/// room of its own, and the strings that it gives share that room. The pool keeps at most
/// ``capacity`` texts of at most ``longestText`` bytes; a new one takes an older one's place.
@safe package final class TextPool {
  fileprivate struct Entry {
    var text = ""
    var count = 0
    /// The text's first eight bytes, the next eight, and what is behind them.
    var first: UInt64 = 0
    var second: UInt64 = 0
    var rest = InlineArray<6, UInt64>(repeating: 0)
  }

  fileprivate static var capacity: Int { 512 }
  fileprivate static var longestText: Int { 64 }

  /// What the pool holds, as long as it lives.
  package let known: Known

  package init() {
    unsafe known = Known(entries: .allocate(capacity: Self.capacity))
    unsafe known.entries.initialize(repeating: Entry(), count: Self.capacity)
  }

  deinit {
    unsafe known.entries.deinitialize(count: Self.capacity)
    unsafe known.entries.deallocate()
  }

  /// The texts of a pool, without a share in its life: copies of it cost nothing.
  @safe package struct Known {
    fileprivate let entries: UnsafeMutablePointer<Entry>
  }
}

extension TextPool.Known {
  /// The string of bytes that are ASCII.
  package func string(_ bytes: RawSpan) -> String {
    let count = bytes.byteCount
    guard count <= TextPool.longestText, count > 0 else { return Self.made(of: bytes) }
    let first = bytes.word(at: 0)
    let second = count > 8 ? bytes.word(at: 8) : 0
    var hash = (first ^ (first >> 32) ^ UInt64(count)) &* 0x9E37_79B9_7F4A_7C15
    hash = (hash ^ second) &* 0xD6E8_FEB8_6659_FD93
    let entry = unsafe entries + Int(truncatingIfNeeded: hash >> 55)
    if unsafe entry.pointee.first == first, unsafe entry.pointee.second == second,
      unsafe entry.pointee.count == count
    {
      var offset = 16
      var index = 0
      while offset < count, unsafe entry.pointee.rest[index] == bytes.word(at: offset) {
        offset &+= 8
        index &+= 1
      }
      if offset >= count { return unsafe entry.pointee.text }
    }
    return unsafe replace(entry, with: bytes, first, second)
  }

  @inline(never)
  private func replace(
    _ entry: UnsafeMutablePointer<TextPool.Entry>, with bytes: RawSpan, _ first: UInt64,
    _ second: UInt64
  ) -> String {
    var new = TextPool.Entry(
      text: Self.made(of: bytes), count: bytes.byteCount, first: first, second: second)
    for index in 0..<6 where 16 + 8 * index < bytes.byteCount {
      new.rest[index] = bytes.word(at: 16 + 8 * index)
    }
    unsafe entry.pointee = new
    return new.text
  }

  private static func made(of bytes: RawSpan) -> String {
    unsafe bytes.withUnsafeBytes { bytes in unsafe String(decoding: bytes, as: UTF8.self) }
  }
}
