/// Writes structures in Thrift's compact protocol, which Parquet's headers and footer are in.
///
/// A field's number must be greater than that of the field before it in the same structure, as
/// everywhere in Parquet's; so each is a step of 1 to 15, and one byte names it.
/// Source: `thrift-compact-protocol.md` of Apache Thrift.
struct ThriftWriter {
  private(set) var bytes: [UInt8] = []
  /// The number of the last field of each open structure, the innermost last.
  private var numbers: [Int] = [0]

  private enum Kind: UInt8 {
    case yes = 1
    case no = 2
    case int32 = 5
    case int64 = 6
    case binary = 8
    case list = 9
    case structure = 12
  }

  mutating func field(_ number: Int, _ value: Int32) {
    header(number, .int32)
    append(zigzag: Int64(value))
  }

  mutating func field(_ number: Int, _ value: Int64) {
    header(number, .int64)
    append(zigzag: value)
  }

  mutating func field(_ number: Int, _ value: Bool) { header(number, value ? .yes : .no) }

  mutating func field(_ number: Int, _ value: [UInt8]) {
    header(number, .binary)
    append(binary: value)
  }

  mutating func field(_ number: Int, _ value: String) { field(number, Array(value.utf8)) }

  mutating func field(_ number: Int, _ content: (inout ThriftWriter) -> Void) {
    header(number, .structure)
    structure(content)
  }

  /// A list of structures.
  mutating func list<Element>(
    _ number: Int, _ elements: [Element], _ content: (inout ThriftWriter, Element) -> Void
  ) {
    header(number, .list)
    listHeader(elements.count, .structure)
    for element in elements { structure { content(&$0, element) } }
  }

  mutating func list(_ number: Int, _ numbers: [Int32]) {
    header(number, .list)
    listHeader(numbers.count, .int32)
    for number in numbers { append(zigzag: Int64(number)) }
  }

  mutating func list(_ number: Int, _ texts: [String]) {
    header(number, .list)
    listHeader(texts.count, .binary)
    for text in texts { append(binary: Array(text.utf8)) }
  }

  /// Ends the outermost structure.
  mutating func stop() { bytes.append(0) }

  private mutating func structure(_ content: (inout ThriftWriter) -> Void) {
    numbers.append(0)
    content(&self)
    stop()
    numbers.removeLast()
  }

  private mutating func header(_ number: Int, _ kind: Kind) {
    let step = number - numbers[numbers.count - 1]
    bytes.append(UInt8(step << 4) | kind.rawValue)
    numbers[numbers.count - 1] = number
  }

  private mutating func listHeader(_ count: Int, _ kind: Kind) {
    if count < 15 {
      bytes.append(UInt8(count << 4) | kind.rawValue)
    } else {
      bytes.append(0xF0 | kind.rawValue)
      bytes.append(varint: UInt64(count))
    }
  }

  private mutating func append(zigzag value: Int64) {
    bytes.append(varint: UInt64(bitPattern: value << 1 ^ value >> 63))
  }

  private mutating func append(binary value: [UInt8]) {
    bytes.append(varint: UInt64(value.count))
    bytes += value
  }
}

extension [UInt8] {
  /// Appends a number seven bits a byte, the lowest first.
  mutating func append(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }

  /// Appends a number's bytes, the lowest first.
  mutating func append<Number: FixedWidthInteger>(littleEndian value: Number) {
    for index in 0..<Number.bitWidth / 8 {
      append(UInt8(truncatingIfNeeded: value >> (8 * index)))
    }
  }
}
