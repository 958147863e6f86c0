import Bytes
import Simulation
import Testing

/// What stands in `canonical-json.json`.
struct CanonicalJSONFile: Decodable {
  struct Entry: Decodable { let what, text: String }
  struct Equivalent: Decodable { let what, text, canonical: String }
  struct Refused: Decodable {
    let what, reason: String
    let text, hex: String?
    let offset: Int

    /// Either of the two ways in which the file gives a text.
    var bytes: [UInt8] { text.map { Array($0.utf8) } ?? Hex.decode((hex ?? "?").utf8) ?? [] }
  }
  let canonical: [Entry]
  let notObjects: [Entry]
  let equivalent: [Equivalent]
  let refused: [Refused]

  enum CodingKeys: String, CodingKey {
    case canonical, equivalent, refused
    case notObjects = "not_objects"
  }

  static func load() throws -> CanonicalJSONFile { try VectorFile.load("canonical-json") }
}

extension JSONError.Reason {
  /// The word that the vectors have for it.
  fileprivate var word: String {
    switch self {
    case .unexpectedEnd: "unexpected-end"
    case .unexpectedByte: "unexpected-byte"
    case .duplicateKey: "duplicate-key"
    case .notAnInteger: "not-an-integer"
    case .leadingZero: "leading-zero"
    case .negativeZero: "negative-zero"
    case .integerOutOfRange: "integer-out-of-range"
    case .invalidUTF8: "invalid-utf8"
    case .controlCharacter: "control-character"
    case .invalidEscape: "invalid-escape"
    case .loneSurrogate: "lone-surrogate"
    case .noncharacter: "noncharacter"
    case .stringTooLong: "string-too-long"
    case .tooDeep: "too-deep"
    case .trailingBytes: "trailing-bytes"
    }
  }
}

func parse(_ text: String) throws(JSONError) -> JSON { try JSON(parsing: Array(text.utf8)) }

@Suite struct JSONParserTests {
  @Test("Where that is asked for, numbers beyond the subset are the text that they are written as")
  func otherNumbers() throws {
    var limits = JSONLimits()
    limits.takesOtherNumbersAsText = true
    for text in ["1.5", "-0", "-0.0", "1e3", "1E+30", "2.5e-1", "9007199254740992"] {
      #expect(try JSON(parsing: Array("[\(text)]".utf8), limits: limits) == [.string(text)])
      #expect(throws: JSONError.self) { try parse("[\(text)]") }
    }
    #expect(try JSON(parsing: Array("[7,-7]".utf8), limits: limits) == [7, -7])
    for text in ["01", "-01", "1.", ".5", "1.e3", "1e", "1e+", "+1", "-", "-.5", "00.5", "1.5.5"] {
      #expect(throws: JSONError.self, "\(text)") {
        try JSON(parsing: Array("[\(text)]".utf8), limits: limits)
      }
    }
    limits.stringBytes = 4
    #expect(throws: JSONError(offset: 0, reason: .stringTooLong(limit: 4))) {
      try JSON(parsing: Array("1.234".utf8), limits: limits)
    }
  }

  @Test("Canonical texts are read and written again byte for byte")
  func canonical() throws {
    let file = try CanonicalJSONFile.load()
    for entry in file.canonical + file.notObjects {
      let value = try parse(entry.text)
      #expect(
        sameBytes(String(decoding: value.canonicalBytes, as: UTF8.self), entry.text),
        "\(entry.what)")
    }
    for entry in file.equivalent {
      let value = try parse(entry.text)
      #expect(value.canonicalBytes == Array(entry.canonical.utf8), "\(entry.what)")
      #expect(try value == parse(entry.canonical))
    }
  }

  @Test("What isn't JSON is refused with its reason and its place")
  func refused() throws {
    for entry in try CanonicalJSONFile.load().refused {
      let error = #expect(throws: JSONError.self, "\(entry.what)") {
        try JSON(parsing: entry.bytes)
      }
      #expect(error?.reason.word == entry.reason, "\(entry.what)")
      #expect(error?.offset == entry.offset, "\(entry.what)")
    }
  }

  @Test("Every cut of a text is refused, and at no place behind the cut")
  func cuts() throws {
    for entry in try CanonicalJSONFile.load().canonical {
      let bytes = Array(entry.text.utf8)
      for count in 0..<bytes.count {
        let error = #expect(throws: JSONError.self) { try JSON(parsing: Array(bytes[..<count])) }
        #expect((0...count).contains(error?.offset ?? -1))
      }
    }
  }

  @Test("A refusal carries the byte, the key or the limit that it is about")
  func particulars() {
    #expect(throws: JSONError(offset: 1, reason: .unexpectedByte(0x78))) { try parse("{x") }
    #expect(throws: JSONError(offset: 8, reason: .duplicateKey("é"))) {
      try parse(#"{"é":0,"é":0}"#)
    }
    #expect(throws: JSONError(offset: 16, reason: .tooDeep(limit: 16))) {
      try parse(String(repeating: "[", count: 17))
    }
    var limits = JSONLimits()
    limits.depth = 1
    limits.stringBytes = 2
    #expect(throws: JSONError(offset: 1, reason: .tooDeep(limit: 1))) {
      try JSON(parsing: Array("[{}]".utf8), limits: limits)
    }
    #expect(throws: JSONError(offset: 1, reason: .stringTooLong(limit: 2))) {
      try JSON(parsing: Array(#"["abc"]"#.utf8), limits: limits)
    }
    #expect(throws: Never.self) { try JSON(parsing: Array(#"["ab"]"#.utf8), limits: limits) }
  }

  @Test("A string may have 16,384 bytes, counted without escapes, and not one more")
  func stringLimit() {
    for piece in ["a", #"\n"#, #"\u0001"#, "é", "€", "😀", "aé€"] {
      let size = piece.hasPrefix(#"\"#) ? 1 : piece.utf8.count
      let body = String(repeating: piece, count: 16_384 / size)
      let fill = String(repeating: "b", count: 16_384 % size)
      for (text, isGood) in [(body + fill, true), (body + fill + "b", false)] {
        for object in [#"{"k":"\#(text)"}"#, #"{"\#(text)":0}"#] {
          #expect(((try? parse(object)) != nil) == isGood, "\(piece)")
        }
      }
    }
  }

  @Test("Among 50,000 keys out of order, the one that stands twice is found")
  func hostileKeys() {
    let keys = (0..<50_000).reversed().map { #""\#($0)":0"# } + [#""0":0"#]
    let error = #expect(throws: JSONError.self) { try parse("{\(keys.joined(separator: ","))}") }
    #expect(error?.reason == .duplicateKey("0"))
  }
}

@Suite struct JSONValueTests {
  @Test("Values are equal when their canonical bytes are, and only then")
  func equality() throws {
    let texts = [
      "null", "true", "false", "0", "1", "-1", #""""#, #""a""#, #""é""#, "\"e\u{301}\"", "[]",
      "[0]", "[[]]", "{}", #"{"a":0}"#, #"{"a":1}"#, #"{"b":0}"#, "{\"é\":0}", "{\"e\u{301}\":0}",
    ]
    for one in texts {
      for other in texts {
        #expect(try (parse(one) == parse(other)) == sameBytes(one, other), "\(one) \(other)")
      }
    }
  }

  @Test("Literals make the values that they look like")
  func literals() {
    let value: JSON = ["n": nil ?? .null, "b": true, "a": [1, "x", ["z": 1, "y": 2]]]
    #expect(
      String(decoding: value.canonicalBytes, as: UTF8.self)
        == #"{"a":[1,"x",{"y":2,"z":1}],"b":true,"n":null}"#)
  }

  @Test("Members are found, replaced, added in order and removed by key")
  func members() {
    var object = JSONObject()
    var expected: [String: JSON] = [:]
    var random = SeededRandom(seed: 8_785)
    let keys = ["", "a", "aa", "b", "é", "e\u{301}", "\u{E000}", "\u{10000}", "z"]
    for _ in 0..<2_000 {
      let key = keys.randomElement(using: &random) ?? ""
      let value: JSON? =
        Bool.random(using: &random) ? .integer(.random(in: 0...9, using: &random)) : nil
      // `String`'s own equality takes the two spellings of é for one, so the model has a mark.
      let marked = key.utf8.map(String.init).joined(separator: " ")
      object[key] = value
      expected[marked] = value
      #expect(object[key] == value)
      #expect(object.members.count == expected.count)
      for (one, other) in zip(object.members, object.members.dropFirst()) {
        #expect(Array(one.key.utf16).lexicographicallyPrecedes(Array(other.key.utf16)))
      }
    }
    for key in keys {
      #expect(object[key] == expected[key.utf8.map(String.init).joined(separator: " ")])
    }
  }

  @Test("Keys are ordered by their UTF-16 code units, in every pair of a hostile set")
  func order() {
    for one in hostileKeys {
      for other in hostileKeys {
        let expected = Array(one.utf16).lexicographicallyPrecedes(Array(other.utf16))
        #expect(keyPrecedes(one, other) == expected, "\(Array(one.utf16)) \(Array(other.utf16))")
      }
    }
  }

  @Test("Every ASCII character is escaped as JSON escapes it, and read again")
  func escapes() throws {
    let short: [UInt8: String] = [
      0x08: #"\b"#, 0x09: #"\t"#, 0x0A: #"\n"#, 0x0C: #"\f"#, 0x0D: #"\r"#, 0x22: #"\""#,
      0x5C: #"\\"#,
    ]
    for byte in 0..<UInt8(0x80) {
      let character = String(Unicode.Scalar(byte))
      let expected = short[byte] ?? (byte < 0x20 ? "\\u00\(Hex.encode([byte]))" : character)
      let written = JSON.string("x\(character)y").canonicalBytes
      #expect(written == Array("\"x\(expected)y\"".utf8))
      #expect(try JSON(parsing: written) == .string("x\(character)y"))
    }
  }

  @Test("The limits say what text a value may hold")
  func heldText() {
    let limits = JSONLimits()
    #expect(limits.allow(""))
    #expect(limits.allow("\u{0}\u{D7FF}\u{E000}\u{FFFD}\u{10FFFD}"))
    #expect(limits.allow(String(repeating: "é", count: 8_192)))
    #expect(!limits.allow(String(repeating: "é", count: 8_192) + "a"))
    for code: UInt32 in [0xFDD0, 0xFDEF, 0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF] {
      let noncharacter = String(Unicode.Scalar(code).map(Character.init) ?? "a")
      #expect(!limits.allow("a" + noncharacter))
    }
  }

  @Test("A key that stands twice, or an integer that is too great, is our own mistake")
  func mistakes() async {
    await #expect(processExitsWith: .failure) {
      _ = JSONObject([.init(key: "a", value: 1), .init(key: "a", value: 2)])
    }
    await #expect(processExitsWith: .failure) {
      _ = JSON.integer(JSON.greatestInteger + 1).canonicalBytes
    }
    let end = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = JSON.integer(.min).canonicalBytes
    }
    let text = String(decoding: end?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains("invariant broken: -9223372036854775808 is not an I-JSON integer"))
  }
}

/// Keys that differ late, begin each other, need escapes, or lie where UTF-8 and UTF-16 disagree.
let hostileKeys: [String] = {
  let atoms = [
    "\u{0}", "\u{7}", "\u{8}", "\t", "\u{1F}", " ", "\"", "#", "0", "A", "[", "\\", "]", "a", "b",
    "u",
    "\u{7F}", "\u{80}", "é", "\u{7FF}", "\u{800}", "\u{CFFF}", "\u{D7FF}", "\u{E000}", "\u{EFFF}",
    "\u{F000}", "\u{FFFD}", "\u{10000}", "\u{1F600}", "\u{10FFFD}",
  ]
  return [""] + atoms + atoms.map { "a" + $0 } + atoms.map { $0 + "a" } + [
    "é\u{E000}", "é\u{10000}",
  ]
}()
