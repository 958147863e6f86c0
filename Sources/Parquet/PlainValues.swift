import Bytes

/// Values of one column, one behind the other in Parquet's plain encoding; but a boolean takes a
/// whole byte here.
struct PlainValues {
  let kind: ParquetColumn.Kind
  private(set) var bytes: [UInt8] = []
  /// Where each text begins; other values are all of one width.
  private var starts: [Int] = []

  /// A text has its length before it.
  static let lengthWidth = 4

  init(_ kind: ParquetColumn.Kind) { self.kind = kind }

  private var width: Int { kind == .boolean ? 1 : 8 }

  var count: Int { kind == .text ? starts.count : bytes.count / width }

  /// About how many bytes of memory the values take; row groups end by it, so it is the same on
  /// every machine.
  var footprint: Int { bytes.count + starts.count * 8 }

  /// Where the value at `index` begins, or where the last one ends.
  func start(_ index: Int) -> Int {
    if kind != .text { return index * width }
    return index < starts.count ? starts[index] : bytes.count
  }

  /// The encoding of the value at `index`.
  func range(_ index: Int) -> Range<Int> { start(index)..<start(index + 1) }

  /// The value's bytes alone, as statistics have them.
  func value(_ index: Int) -> ArraySlice<UInt8> {
    bytes[range(index)].dropFirst(kind == .text ? Self.lengthWidth : 0)
  }

  mutating func append(_ number: Int64) { bytes.append(littleEndian: number) }

  mutating func append(_ flag: Bool) { bytes.append(flag ? 1 : 0) }

  mutating func append(text: ArraySlice<UInt8>) {
    invariant(text.count <= 1 << 24, "a text of \(text.count) bytes")
    starts.append(bytes.count)
    bytes.append(littleEndian: UInt32(text.count))
    bytes += text
  }

  /// Appends the value at `index` of other values of the same kind.
  mutating func append(_ index: Int, of others: PlainValues) {
    if kind == .text { starts.append(bytes.count) }
    bytes += others.bytes[others.range(index)]
  }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    starts.removeAll(keepingCapacity: true)
  }

  /// Whether the value at `index` is less than the one at `other`, in the order that Parquet
  /// defines for the type: numbers as signed ones, texts by their bytes, false before true.
  func precedes(_ index: Int, _ other: Int) -> Bool {
    switch kind {
    case .integer, .instant: number(index) < number(other)
    case .boolean, .text: value(index).lexicographicallyPrecedes(value(other))
    }
  }

  private func number(_ index: Int) -> Int64 {
    Int64(bitPattern: unsafe bytes.span.bytes.word(at: start(index)))
  }

  func hash(_ index: Int) -> Int {
    var hasher = Hasher()
    unsafe bytes.span.bytes.extracting(range(index)).withUnsafeBytes { bytes in
      unsafe hasher.combine(bytes: bytes)
    }
    return hasher.finalize()
  }

  func isEqual(_ index: Int, to other: Int, of others: PlainValues) -> Bool {
    unsafe bytes.span.bytes.extracting(range(index))
      .holds(others.bytes.span.bytes.extracting(others.range(other)))
  }
}

/// The distinct values of a column, in the order in which they come first, and which of them each
/// value is.
struct ValueDictionary {
  private(set) var values: PlainValues
  private(set) var indices: [UInt32] = []

  /// The greatest dictionary, in bytes: what readers hold in their caches.
  static let byteLimit = 1 << 20

  /// Fails where a dictionary doesn't pay: above the limit, or above half of what it stands for.
  init?(_ plain: PlainValues) {
    values = PlainValues(plain.kind)
    // Booleans are a bit each as they are.
    if plain.kind == .boolean || plain.count < 2 { return nil }
    let limit = min(Self.byteLimit, plain.bytes.count / 2)
    // An open hash table of indices and -1, at most half full: a value takes 4 bytes or more.
    let most = min(plain.count, limit / PlainValues.lengthWidth + 1)
    var slots = [Int32](repeating: -1, count: 2 << (Int.bitWidth - most.leadingZeroBitCount))
    indices.reserveCapacity(plain.count)
    for index in 0..<plain.count {
      if let last = indices.last, plain.isEqual(index, to: Int(last), of: values) {
        indices.append(last)
        continue
      }
      var slot = plain.hash(index) & (slots.count - 1)
      while slots[slot] >= 0, !plain.isEqual(index, to: Int(slots[slot]), of: values) {
        slot = (slot + 1) & (slots.count - 1)
      }
      if slots[slot] < 0 {
        slots[slot] = Int32(values.count)
        values.append(index, of: plain)
        if values.bytes.count > limit { return nil }
      }
      indices.append(UInt32(slots[slot]))
    }
  }
}
