import Bytes
import Simulation
import Testing

@Suite struct TextMarksTests {
  private static let kernels = TextMarks.Kernel.allCases.filter(\.isAvailable)

  /// The definition, byte by byte.
  private static func reference(_ bytes: some Sequence<UInt8>) -> [UInt32] {
    bytes.enumerated().compactMap { place, byte in
      byte == 0x22 || byte == 0x5C || !(0x20..<0x80).contains(byte) ? UInt32(place) : nil
    }
  }

  private static func compare(_ bytes: [UInt8], _ range: Range<Int>, with kernel: TextMarks.Kernel)
  {
    let marks = TextMarks()
    unsafe marks.find(in: bytes.span.extracting(range).bytes, with: kernel)
    let expected = reference(bytes[range])
    if marks.found != expected {
      Issue.record("\(marks.found), not \(expected), in \(Hex.encode(bytes[range]))")
    }
  }

  @Test(
    "Every kernel finds the marks of every length up to 200, wherever in memory it begins",
    arguments: kernels)
  func lengths(kernel: TextMarks.Kernel) {
    var random = SeededRandom(seed: 8_259)
    // Of few marks, of many, and of nothing else; what lies around a line is full of them.
    for share in [0, 2, 8, 16] {
      var bytes = (0..<300).map { _ -> UInt8 in
        Int.random(in: 0..<16, using: &random) < share
          ? [0x22, 0x5C, 0x00, 0x1F, 0x80, 0xFF].randomElement(using: &random) ?? 0
          : UInt8.random(in: 0x23...0x5B, using: &random)
      }
      for start in 0..<64 {
        for length in 0...200 {
          let after = bytes[start + length]
          bytes[start + length] = 0x22
          Self.compare(bytes, start..<start + length, with: kernel)
          bytes[start + length] = after
        }
      }
    }
  }

  @Test("Every kernel knows every byte at every place of its blocks", arguments: kernels)
  func bytes(kernel: TextMarks.Kernel) {
    for byte in UInt8.min...UInt8.max {
      for place in 0..<130 {
        for length in [place + 1, 130] {
          var line = [UInt8](repeating: 0x61, count: length)
          line[place] = byte
          Self.compare(line, 0..<length, with: kernel)
        }
      }
    }
  }

  @Test("The kernel that is chosen gives the marks, also of a line that is longer than any before")
  func chosen() {
    let marks = TextMarks()
    for length in [0, 1, 100, 5_000, 70_000, 3] {
      let line = [UInt8](repeating: 0x22, count: length)
      #expect(unsafe marks.find(in: line.span.bytes).count == length)
      #expect(marks.found == Self.reference(line))
    }
  }
}

@Suite struct TextPoolTests {
  @Test(
    "A text is the same, known or not, at every length and with every byte changed")
  func texts() {
    let pool = TextPool()
    var random = SeededRandom(seed: 64)
    for length in 0...80 {
      let bytes = (0..<length).map { _ in UInt8.random(in: 0x20..<0x7F, using: &random) }
      for place in 0...length {
        var changed = bytes
        if place < length { changed[place] ^= 1 }
        for line in [bytes, changed, bytes] {
          let text = unsafe pool.known.string(line.span.bytes)
          #expect(Array(text.utf8) == line)
        }
      }
    }
  }
}
