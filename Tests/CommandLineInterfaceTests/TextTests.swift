import CommandLineInterface
import Testing

@Suite("Text")
struct TextTests {
  @Test("Whatever steers a terminal or takes no room is spelled out")
  func escaped() {
    let escaped: [ClosedRange<UInt32>] = [
      0x00...0x1F, 0x7F...0x9F, 0xAD...0xAD, 0x34F...0x34F, 0x61C...0x61C, 0x180B...0x180E,
      0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0x3164...0x3164, 0xFE00...0xFE0F,
      0xFEFF...0xFEFF, 0xFFF9...0xFFFB, 0xE0001...0xE0001, 0xE0020...0xE007F, 0xE0100...0xE01EF,
    ]
    for scalar in escaped.joined().compactMap(Unicode.Scalar.init) {
      let text = "a\(scalar)b"
      let expected = "a\\u{\(String(scalar.value, radix: 16))}b"
      #expect(terminalSafe(text) == expected, "U+\(String(scalar.value, radix: 16))")
    }
  }

  @Test(
    "Letters, accents, ideographs, emoji and the backslash stay",
    arguments: ["", "plain ~ text", "Zo\u{EB} e\u{301}", "節電", "עברית", "🔌", "\\u{1b}", "a\u{A0}b"])
  func kept(text: String) {
    #expect(terminalSafe(text).unicodeScalars.elementsEqual(text.unicodeScalars))
  }

  @Test("Escaping is complete, and twice is once, for every character of Unicode")
  func everyScalar() {
    for value in UInt32(0)...0x10FFFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let safe = terminalSafe(String(scalar))
      let isKept = safe.unicodeScalars.elementsEqual([scalar])
      let isSpelled = safe.utf8.elementsEqual("\\u{\(String(value, radix: 16))}".utf8)
      if !isKept && !isSpelled { Issue.record("U+\(String(value, radix: 16)) became \(safe)") }
      if isSpelled, !terminalSafe(safe).utf8.elementsEqual(safe.utf8) {
        Issue.record("U+\(String(value, radix: 16)) isn't settled")
      }
      // What is left alone is at least not a control.
      if isKept, scalar.properties.generalCategory == .control {
        Issue.record("U+\(String(value, radix: 16)) is a control")
      }
    }
  }

  @Test(
    "A terminal's columns: wide characters two, marks none",
    arguments: [
      ("", 0), ("abc", 3), ("Zoe\u{301}", 3), ("\u{301}", 0), ("節電", 4), ("ｱ", 1), ("Ａ", 2),
      ("한국", 4), ("\u{1112}\u{1161}\u{11AB}", 2), ("🔌", 2), ("🇨🇭", 2), ("→", 1), ("…", 1),
      ("\u{20000}", 2), ("\u{303F}", 1), ("⌚", 2),
    ])
  func width(text: String, columns: Int) {
    #expect(displayWidth(text) == columns)
  }

  @Test("Cut text fits, keeps whole characters, and is left alone where it fits")
  func truncation() {
    #expect(truncated("abcdef", to: 6) == "abcdef")
    #expect(truncated("abcdef", to: 5) == "abcd…")
    #expect(truncated("abcdef", to: 1) == "…")
    #expect(truncated("abcdef", to: 0) == "")
    #expect(truncated("節電株式", to: 6) == "節電…")
    #expect(truncated("節電株式", to: 7) == "節電株…")
    #expect(truncated("e\u{301}e\u{301}e\u{301}", to: 2) == "e\u{301}…")
    for width in 0...12 {
      for text in ["abcdefgh", "節電株式", "a節b電c", "e\u{301}節🔌x"] {
        let cut = truncated(text, to: width)
        #expect(displayWidth(cut) <= width)
        #expect(displayWidth(cut) >= min(width, displayWidth(text)) - 1)
      }
    }
  }

  @Test("Sizes are numbers of bytes, or with a letter powers of 1,024")
  func byteCounts() {
    let accepted: [(String, Int)] = [
      ("0", 0), ("65536", 65_536), ("64K", 65_536), ("64KiB", 65_536), ("1M", 1 << 20),
      ("1MiB", 1 << 20), ("2G", 2 << 30), ("3TiB", 3 << 40), ("8388607T", 8_388_607 << 40),
      ("9223372036854775807", .max), ("007", 7),
    ]
    for (text, bytes) in accepted {
      #expect(ByteCount(text) == ByteCount(bytes: bytes), "\(text)")
    }
    let refused = [
      "", "K", "-1", "+1", "1.5M", "64KB", "64MB", "64k", "64B", "64 K", " 64", "64K ", "0x10",
      "8388608T", "9223372036854775808", "99999999999999999999T", "６４", "1KiBx",
    ]
    for text in refused { #expect(ByteCount(text) == nil, "\(text)") }
    #expect(ByteCount(bytes: -1) == nil)
  }

  @Test("Whole numbers are decimal, and the ends of the range belong to it")
  func integers() {
    let type = ValueType.integer(-3...1000)
    for (text, number) in [("-3", -3), ("0", 0), ("007", 7), ("1000", 1000), ("-0", 0)] {
      #expect(type.read(text) == number)
    }
    for text in ["", "-", "-4", "1001", "+1", "1e3", "1.0", " 1", "1 ", "0x1", "１", "1_000"] {
      #expect(type.read(text) == nil, "\(text)")
    }
    #expect(ValueType.integer(.min ... .max).read("-9223372036854775808") == .min)
    #expect(ValueType.integer(.min ... .max).read("9223372036854775808") == nil)
  }

  private enum Unit: String, CaseIterable { case kelvin = "K", celsius = "C" }

  @Test("A choice is spelled byte for byte, though Swift finds more strings equal")
  func choices() {
    let type = ValueType.oneOf(Unit.self)
    #expect(type.read("K") == .kelvin)
    #expect("\u{212A}" == "K")
    for text in ["\u{212A}", "k", "", "K ", "kelvin"] { #expect(type.read(text) == nil) }
  }

  @Test("An exit status has one code, one word and one line")
  func exitStatuses() {
    let codes: [ExitStatus: (Int32, String)] = [
      .done: (0, "done"), .answerIsNo: (1, "answer-is-no"), .conflict: (3, "conflict"),
      .integrityViolation: (4, "integrity-violation"), .needsRepair: (5, "needs-repair"),
      .usage: (64, "usage"), .badInput: (65, "bad-input"), .notFound: (66, "not-found"),
      .unavailable: (69, "unavailable"), .ourBug: (70, "our-bug"), .exists: (73, "exists"),
      .inputOutput: (74, "input-output"), .locked: (75, "locked"),
      .durabilityUnknown: (76, "durability-unknown"), .permission: (77, "permission"),
      .configuration: (78, "configuration"),
    ]
    #expect(codes.count == ExitStatus.allCases.count)
    for status in ExitStatus.allCases {
      #expect(codes[status]?.0 == status.rawValue)
      #expect(codes[status]?.1 == status.name)
      #expect(!status.meaning.isEmpty && status.meaning.utf8.count < 76)
    }
  }
}
