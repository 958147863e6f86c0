import Bytes
import Simulation
import Testing

@Suite struct Base64Tests {
  struct File: Decodable {
    struct Vector: Decodable { let hex, base64: String }
    struct Refused: Decodable { let what, text: String }
    let vectors: [Vector]
    let refused: [Refused]
  }

  @Test("Base 64 spells as published, and refuses every other spelling")
  func vectors() throws {
    let file = try VectorFile.load("base64", as: File.self)
    for vector in file.vectors {
      let bytes = try #require(Hex.decode(vector.hex.utf8))
      #expect(Base64.encode(bytes) == vector.base64)
      #expect(Base64.decode(vector.base64.utf8) == bytes)
    }
    for entry in file.refused { #expect(Base64.decode(entry.text.utf8) == nil, "\(entry.what)") }
  }

  @Test("Of all texts of one group, those are read that are written, and no other")
  func oneSpelling() {
    // Digits with and without low bits set, padding, and characters beside the alphabet's ranges.
    let characters = Array("AQgw/+09Zz=-_@[`{:.\n\0".utf8) + [0x80, 0xFF]
    for first in characters {
      for second in characters {
        for third in characters {
          for fourth in characters {
            let text = [first, second, third, fourth]
            guard let bytes = Base64.decode(text) else { continue }
            #expect(Array(Base64.encode(bytes).utf8) == text)
          }
        }
      }
    }
  }

  @Test("All bytes and lengths to 70 survive")
  func roundTrips() {
    for length in 0...70 {
      for step in [1, 37, 85, 255] {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 * step + length) }
        let text = Base64.encode(bytes)
        #expect(text.utf8.count == (length + 2) / 3 * 4)
        #expect(Base64.decode(text.utf8) == bytes)
      }
    }
    for byte in UInt8.min...UInt8.max {
      #expect(Base64.decode(Base64.encode([byte]).utf8) == [byte])
    }
  }
}

@Suite struct HexTests {
  struct File: Decodable {
    struct Vector: Decodable {
      let bytes: [UInt8]
      let hex: String
    }
    struct Refused: Decodable { let what, text: String }
    let vectors: [Vector]
    let refused: [Refused]
  }

  @Test("Base 16 spells as published, and refuses every other spelling")
  func vectors() throws {
    let file = try VectorFile.load("hex", as: File.self)
    for vector in file.vectors {
      #expect(Hex.encode(vector.bytes) == vector.hex)
      #expect(Hex.decode(vector.hex.utf8) == vector.bytes)
    }
    for entry in file.refused { #expect(Hex.decode(entry.text.utf8) == nil, "\(entry.what)") }
  }

  @Test("Of all pairs of bytes, those are read that are written, and no other")
  func oneSpelling() {
    var read = 0
    for first in UInt8.min...UInt8.max {
      for second in UInt8.min...UInt8.max {
        guard let bytes = Hex.decode([first, second]) else { continue }
        read += 1
        #expect(Array(Hex.encode(bytes).utf8) == [first, second])
      }
    }
    #expect(read == 256)
  }
}

@Suite struct RawSpanReadingTests {
  @Test("A word is the bytes that are there, and zeros beyond the end")
  func words() {
    let bytes: [UInt8] = Array(1...20)
    for count in 0...bytes.count {
      for offset in 0...count {
        let expected = bytes[offset..<count].prefix(8).reversed().reduce(UInt64(0)) {
          $0 << 8 | UInt64($1)
        }
        let word = unsafe bytes.span.extracting(..<count).bytes.word(at: offset)
        #expect(word == expected, "\(count) bytes, from \(offset)")
      }
    }
  }

  @Test("A range holds a text when length and bytes are the same")
  func texts() {
    let bytes = Array("xdatax".utf8)
    func holds(_ text: StaticString, _ range: Range<Int>) -> Bool {
      unsafe bytes.span.bytes.holds(text, in: range)
    }
    #expect(holds("data", 1..<5))
    #expect(!holds("data", 1..<4))
    #expect(!holds("data", 1..<6))
    #expect(!holds("date", 1..<5))
    #expect(holds("", 6..<6))
  }
}
