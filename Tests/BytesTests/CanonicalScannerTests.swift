import Bytes
import Simulation
import Testing

/// What the scanner must answer, by its definition: the general parser and writer.
func isCanonicalObject(_ line: [UInt8]) -> Bool {
  guard case .object(let object)? = try? JSON(parsing: line) else { return false }
  return JSON.object(object).canonicalBytes == line
}

extension CanonicalScanner {
  mutating func scan(_ line: [UInt8]) -> Bool { unsafe scan(line.span.bytes) }
}

private func scans(_ line: [UInt8]) -> Bool {
  var scanner = CanonicalScanner()
  return scanner.scan(line)
}

@Suite struct CanonicalScannerTests {
  @Test("The scanner accepts what the vectors call canonical, and nothing else of them")
  func vectors() throws {
    let file = try CanonicalJSONFile.load()
    for entry in file.canonical { #expect(scans(Array(entry.text.utf8)), "\(entry.what)") }
    for entry in file.notObjects { #expect(!scans(Array(entry.text.utf8)), "\(entry.what)") }
    for entry in file.equivalent {
      #expect(!scans(Array(entry.text.utf8)), "\(entry.what)")
      #expect(scans(Array(entry.canonical.utf8)), "\(entry.what)")
    }
    for entry in file.refused { #expect(!scans(entry.bytes), "\(entry.what)") }
  }

  @Test("A reader finds the parts of a line in their places, and what they stand for")
  func parts() {
    let bytes = Array(
      #"{"a":null,"b":true,"c":-12,"d":"x\ny","e":[1,{"k":2}],"f":{"g":"\t"},"h":[],"j":"é"}"#.utf8)
    var scanner = CanonicalScanner()
    let found = unsafe scanner.read(bytes.span.bytes) { reader in
      var found: [String] = []
      func skipped(_ reader: inout CanonicalReader) -> String {
        let start = reader.offset
        guard reader.skipValue() else { return "nothing" }
        return unsafe String(decoding: reader.slice(start..<reader.offset), as: UTF8.self)
      }
      func text(_ reader: inout CanonicalReader) -> String {
        guard let text = reader.takeText() else { return "nothing" }
        return "\(reader.string(text)) \(text.hasEscapes) \(text.isPlain)"
      }
      guard reader.beginObject(), !reader.takeKey("b") else { return found }
      if reader.takeKey("a") { found.append(skipped(&reader)) }
      if reader.takeKey("b") { found.append("\(reader.takeBool() ?? false)") }
      if reader.takeKey("c") { found.append("\(reader.takeInteger() ?? 0)") }
      if reader.takeKey("d") { found.append(text(&reader)) }
      if reader.takeKey("e"), reader.beginArray() {
        while reader.nextElement() { found.append(skipped(&reader)) }
        found.append("\(reader.endArray())")
      }
      if reader.takeKey("f"), reader.beginObject(), reader.takeKey("g") {
        found.append(text(&reader))
        found.append("\(reader.endObject())")
      }
      if reader.takeKey("h"), reader.beginArray() {
        found.append("\(reader.nextElement()) \(reader.endArray())")
      }
      found.append(reader.nextKey().map(reader.string) ?? "none")
      if reader.takeKey("j") { found.append(text(&reader)) }
      found.append("\(reader.nextKey() == nil) \(reader.endObject())")
      return found
    }
    #expect(
      found == [
        "null", "true", "-12", "x\ny true false", "1", #"{"k":2}"#, "true", "\t true false", "true",
        "false true", "j", "é false false", "true true",
      ])
  }

  @Test("What a reader leaves unread makes no canonical line")
  func unread() {
    let bytes = Array(#"{"a":{"b":1}}"#.utf8)
    var scanner = CanonicalScanner()
    func isRead(_ body: (inout CanonicalReader) -> Bool) -> Bool? {
      unsafe scanner.read(bytes.span.bytes, body)
    }
    #expect(isRead { $0.skipValue() } == true)
    #expect(isRead { _ in true } == nil)
    #expect(isRead { $0.beginObject() } == nil)
    #expect(isRead { $0.beginObject() && $0.takeKey("a") && $0.skipValue() } == nil)
    #expect(isRead { $0.beginObject() && $0.endObject() } == nil)
    #expect(
      isRead { $0.beginObject() && $0.takeKey("a") && $0.skipValue() && $0.endObject() } == true)
  }

  @Test("A line that lies within other bytes is judged by itself")
  func surroundings() {
    let line = Array(#"{"a":"b","c":[1]}"#.utf8)
    let surrounded = Array("\"]}".utf8) + line + Array("\"}]1".utf8)
    var scanner = CanonicalScanner()
    for end in 3...3 + line.count {
      let isCanonical = unsafe scanner.scan(surrounded.span.extracting(3..<end).bytes)
      #expect(isCanonical == (end == 3 + line.count))
    }
  }

  @Test("Two keys are accepted in their order and in no other, in every pair of a hostile set")
  func keyOrder() {
    for one in hostileKeys {
      for other in hostileKeys {
        var line = Array("{".utf8)
        appendCanonicalString(one, to: &line)
        line += Array(":0,".utf8)
        appendCanonicalString(other, to: &line)
        line += Array(":0}".utf8)
        let isOrdered = Array(one.utf16).lexicographicallyPrecedes(Array(other.utf16))
        #expect(scans(line) == isOrdered, "\(String(decoding: line, as: UTF8.self))")
      }
    }
  }

  @Test("A string ends where it ends, whatever its length and whatever stands in it")
  func specialBytes() {
    let specials = [
      "\"", "\\", "\n", "é", #"\""#, #"\\"#, #"\n"#, #"\u0000"#, "\u{0}", "\u{FFFD}", "€", "😀",
    ]
    for length in 0...40 {
      for place in 0...length {
        for special in specials {
          let before = String(repeating: "x", count: place)
          let behind = String(repeating: "y", count: length - place)
          for line in [
            #"{"k":"\#(before)\#(special)\#(behind)"}"#, #"{"\#(before)\#(special)\#(behind)":0}"#,
          ] {
            let bytes = Array(line.utf8)
            #expect(scans(bytes) == isCanonicalObject(bytes), "\(line)")
          }
        }
      }
    }
  }

  @Test("The limits of depth and of string length are the parser's")
  func limits() {
    for depth in 1...40 {
      for inner in ["{}", "[]", "[{}]", "0"] {
        let line =
          String(repeating: #"{"a":"#, count: depth) + inner + String(repeating: "}", count: depth)
        let bytes = Array(line.utf8)
        #expect(scans(bytes) == isCanonicalObject(bytes), "\(depth) around \(inner)")
      }
    }
    let deep = Array((#"{"a":"# + String(repeating: "[", count: 100_000)).utf8)
    #expect(!scans(deep))
    for piece in ["a", #"\n"#, #"\u0001"#, "é", "😀"] {
      let size = piece.hasPrefix(#"\"#) ? 1 : piece.utf8.count
      for extra in ["", "b"] {
        let text = String(repeating: piece, count: 16_384 / size) + extra
        for line in [#"{"k":"\#(text)"}"#, #"{"\#(text)":0}"#] {
          #expect(scans(Array(line.utf8)) == extra.isEmpty, "\(piece)")
        }
      }
    }
  }

  @Test("Integers are accepted within 2^53 - 1 and in their one spelling")
  func integers() {
    let digits = [
      "0", "1", "9", "10", "9007199254740990", "9007199254740991", "9007199254740992",
      "9007199254740999", "9223372036854775807", "9223372036854775808", "18446744073709551617",
      "99999999999999999999999999999999999999999", "00", "01", "1.0", "1e1", "1E1", "0x1", "1_0",
    ]
    for number in digits + digits.map({ "-" + $0 }) + digits.map({ "+" + $0 }) + ["-", "--1", ""] {
      let line = Array(#"{"n":\#(number)}"#.utf8)
      #expect(scans(line) == isCanonicalObject(line), "\(number)")
    }
    #expect(scans(Array(#"{"n":-9007199254740991}"#.utf8)))
  }
}
