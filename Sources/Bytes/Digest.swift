/// The 32 bytes of a SHA-256, held in four words so that copying one never touches the heap.
package struct Digest: Hashable, Sendable, BitwiseCopyable {
  /// How many bytes a digest has.
  package static let byteCount = 32

  // Each word holds eight bytes in the order in which they lie in memory.
  private var words: Words

  private struct Words: Hashable, BitwiseCopyable {
    var first: UInt64 = 0
    var second: UInt64 = 0
    var third: UInt64 = 0
    var fourth: UInt64 = 0
  }

  /// 32 zeros, to be written over.
  init() { words = Words() }

  /// The digest of exactly 32 bytes, or `nil`.
  package init?(bytes: some Collection<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    let bytes = Array(bytes)
    unsafe self.init { buffer in _ = unsafe buffer.initialize(from: bytes) }
  }

  /// The digest that 64 lower-case digits spell, or `nil`.
  package init?(hex: some Collection<UInt8>) {
    let digits = Array(hex)
    unsafe self.init(hex: digits.span.bytes)
  }

  /// The digest that 64 lower-case digits spell, or `nil`.
  package init?(hex: RawSpan) {
    guard hex.byteCount == 2 * Self.byteCount else { return nil }
    var isSpelled = true
    unsafe self.init { buffer in
      for index in 0..<Self.byteCount {
        let (high, low) = (hex.byte(at: 2 * index), hex.byte(at: 2 * index + 1))
        guard let high = Hex.value(high), let low = Hex.value(low) else {
          isSpelled = false
          return
        }
        unsafe buffer[index] = high << 4 | low
      }
    }
    guard isSpelled else { return nil }
  }

  /// The digest that `fill` writes into the 32 bytes it is handed.
  init(filledBy fill: (UnsafeMutableBufferPointer<UInt8>) -> Void) {
    words = Words()
    unsafe withUnsafeMutableBytes(of: &words) { buffer in
      unsafe buffer.withMemoryRebound(to: UInt8.self) { unsafe fill($0) }
    }
  }

  package var bytes: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }

  /// The first four bytes, the greatest first.
  package var prefix: UInt32 { UInt32(truncatingIfNeeded: words.first.bigEndian >> 32) }

  /// 64 lower-case digits.
  package var hex: String { Hex.encode(bytes) }

  /// 44 characters, the last of them `=`.
  package var base64: String { Base64.encode(bytes) }

  /// Appends ``hex``.
  package func appendHex(to text: inout [UInt8]) {
    unsafe withUnsafeBytes { bytes in
      for index in 0..<Self.byteCount {
        let byte = unsafe bytes[index]
        text.append(Hex.digit(byte >> 4))
        text.append(Hex.digit(byte & 0xF))
      }
    }
  }

  /// Appends the 32 bytes.
  package func append(to bytes: inout [UInt8]) {
    unsafe withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
  }

  /// Runs `body` on the 32 bytes where they lie.
  private func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    unsafe Swift.withUnsafeBytes(of: words) { unsafe body($0) }
  }
}

extension Digest: CustomStringConvertible {
  package var description: String { hex }
}
