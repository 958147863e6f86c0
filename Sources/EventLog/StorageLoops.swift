/// Moves a part of a buffer to its beginning.
func moveToFront(_ buffer: inout [UInt8], _ range: Range<Int>) {
  if range.isEmpty { return }
  unsafe buffer.withUnsafeMutableBytes { bytes in
    guard let base = bytes.baseAddress else { return }
    unsafe base.copyMemory(from: base + range.lowerBound, byteCount: range.count)
  }
}

extension StorageFile {
  /// Reads on until the range is full or the file ends.
  func readFully(
    into bytes: inout [UInt8], range: Range<Int>, at offset: UInt64
  ) throws(StorageError) -> Int {
    var count = 0
    while count < range.count {
      let rest = range.lowerBound + count..<range.upperBound
      let read = try self.read(into: &bytes, range: rest, at: offset + UInt64(count))
      if read == 0 { break }
      count += read
    }
    return count
  }

  /// Writes on until every byte was handed over.
  ///
  /// - Throws: Where a call failed; some prefix of `bytes` may have been written then, never all.
  func writeFully(_ bytes: [UInt8], at offset: UInt64) throws(StorageError) {
    var written = 0
    while written < bytes.count {
      written += try write(bytes[written...], at: offset + UInt64(written))
    }
  }
}
