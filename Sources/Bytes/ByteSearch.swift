import CKernels

/// The index of the first such byte among `bytes[start..<end]`.
package func firstIndex(
  of byte: UInt8, in bytes: Span<UInt8>, from start: Int, to end: Int
) -> Int? {
  let part = unsafe bytes.extracting(start..<end).bytes
  let found = unsafe part.withUnsafeBytes { part in
    unsafe first_byte(byte, part.baseAddress, part.count)
  }
  return found < end - start ? start + found : nil
}
