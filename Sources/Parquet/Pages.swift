import Bytes

/// Hands a file's bytes on, and knows where it is.
struct FileSink<Failure: Error> {
  let sink: ([UInt8]) throws(Failure) -> Void
  private(set) var offset: Int64 = 0

  init(_ sink: @escaping ([UInt8]) throws(Failure) -> Void) { self.sink = sink }

  mutating func write(_ bytes: [UInt8]) throws(Failure) {
    try sink(bytes)
    offset += Int64(bytes.count)
  }
}

/// The numbers of `parquet.thrift` that pages are marked with.
enum Encoding: Int32 {
  case plain = 0
  case runs = 3
  case dictionary = 8
}

/// A page before it is compressed.
///
/// Data pages are of version 1: every reader takes them, and for columns that aren't nested the
/// second version would add nothing but levels that aren't compressed.
struct Page {
  enum Kind {
    case data(Encoding)
    case dictionary
  }

  let kind: Kind
  /// How many values, missing ones too.
  let count: Int
  let body: [UInt8]

  /// Writes the header and the compressed body, and returns how many bytes that is, and would be
  /// without compression.
  func write<Failure>(
    _ compression: ParquetCompression, to file: inout FileSink<Failure>
  ) throws(Failure) -> (compressed: Int64, uncompressed: Int64) {
    let stored = compression == .zstd ? zstdFrame(body) : body
    let header = header(stored)
    try file.write(header + stored)
    return (Int64(header.count + stored.count), Int64(header.count + body.count))
  }

  private func header(_ stored: [UInt8]) -> [UInt8] {
    var header = ThriftWriter()
    header.field(1, kind.number)
    header.field(2, Int32(body.count))
    header.field(3, Int32(stored.count))
    header.field(4, Int32(bitPattern: CRC32.checksum(of: stored)))
    switch kind {
    case .data(let encoding):
      header.field(5) { data in
        data.field(1, Int32(count))
        data.field(2, encoding.rawValue)
        data.field(3, Encoding.runs.rawValue)
        data.field(4, Encoding.runs.rawValue)
      }
    case .dictionary:
      header.field(7) { dictionary in
        dictionary.field(1, Int32(count))
        dictionary.field(2, Encoding.plain.rawValue)
        dictionary.field(3, false)
      }
    }
    header.stop()
    return header.bytes
  }
}

extension Page.Kind {
  fileprivate var number: Int32 {
    switch self {
    case .data: 0
    case .dictionary: 2
    }
  }
}
