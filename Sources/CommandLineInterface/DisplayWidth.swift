/// How many columns a terminal gives `text`, which holds no controls (see ``terminalSafe(_:)``).
///
/// East Asian wide characters and emoji count two, combining marks nothing. Not covered:
/// "ambiguous" characters (one here, two in some East Asian terminals), and clusters of Indic
/// scripts, where terminals disagree with each other.
package func displayWidth(_ text: String) -> Int {
  if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
  return text.reduce(0) { $0 + displayWidth(of: $1) }
}

/// `text` cut to at most `width` columns, the last of them `…` where anything was cut.
package func truncated(_ text: String, to width: Int) -> String {
  guard displayWidth(text) > width else { return text }
  var kept = ""
  var used = 1
  for character in text {
    used += displayWidth(of: character)
    if used > width { break }
    kept.append(character)
  }
  return width > 0 ? kept + "…" : ""
}

/// `text` with spaces after it (or before it, for numbers) up to `width` columns.
func padded(_ text: String, to width: Int, onTheLeft: Bool = false) -> String {
  let space = String(repeating: " ", count: max(0, width - displayWidth(text)))
  return onTheLeft ? space + text : text + space
}

/// Lines of at most `width` columns; a word that is longer stands on a line of its own.
///
/// All lines but the first begin with `indent` spaces, which count.
func wrapped(_ words: [String], width: Int, indent: Int = 0) -> [String] {
  var lines: [String] = []
  var line = ""
  var used = 0
  for word in words {
    let wordWidth = displayWidth(word)
    if used > 0, used + 1 + wordWidth > width {
      lines.append(line)
      line = String(repeating: " ", count: indent) + word
      used = indent + wordWidth
    } else {
      line += used > 0 ? " " + word : word
      used += (used > 0 ? 1 : 0) + wordWidth
    }
  }
  return used > 0 ? lines + [line] : lines
}

func wrapped(_ text: String, width: Int) -> [String] {
  wrapped(text.split(separator: " ").map(String.init), width: width)
}

private func displayWidth(of character: Character) -> Int {
  guard let scalar = character.unicodeScalars.first else { return 0 }
  if scalar.isASCII { return 1 }
  switch scalar.properties.generalCategory {
  case .nonspacingMark, .enclosingMark: return 0
  default: break
  }
  let isWide =
    scalar.properties.isEmojiPresentation || wideRanges.contains { $0.contains(scalar.value) }
  return isWide ? 2 : 1
}

/// East Asian Width W and F (Unicode UAX #11), by block; emoji are known by their own property.
private let wideRanges: [ClosedRange<UInt32>] = [
  0x1100...0x115F,  // Hangul leading consonants
  0x2329...0x232A, 0x2E80...0x303E,  // angle brackets, radicals, CJK punctuation
  0x3041...0xA4CF,  // kana, bopomofo, CJK ideographs, Yi
  0xA960...0xA97F, 0xAC00...0xD7A3,  // Hangul
  0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F,  // compatibility and vertical forms
  0xFF01...0xFF60, 0xFFE0...0xFFE6,  // full-width forms
  0x16FE0...0x18DFF, 0x1AFF0...0x1B2FB,  // Tangut, Khitan, historic kana
  0x1F200...0x1F265, 0x20000...0x3FFFD,  // enclosed ideographs, CJK extensions
]
