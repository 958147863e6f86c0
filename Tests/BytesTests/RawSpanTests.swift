import Bytes
import Testing

@Suite("Comparing bytes in place") struct RawSpanTests {
  @Test("every length up to 40, and every byte that may differ")
  func holds() {
    for length in 0...40 {
      var bytes = (0..<length).map { UInt8(0x41 + $0) }
      let text = String(decoding: bytes, as: UTF8.self)
      #expect(unsafe bytes.span.bytes.holds(text))
      #expect(unsafe !bytes.span.bytes.holds(text + "x"))
      for index in bytes.indices {
        bytes[index] ^= 0x20
        #expect(unsafe !bytes.span.bytes.holds(text), "\(length) bytes, the \(index)th")
        bytes[index] ^= 0x20
      }
    }
  }
}
