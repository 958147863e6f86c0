/// How long a text is as SMS (3GPP TS 23.038): in which alphabet, and in how many parts.
package struct SMSLength: Hashable, Sendable {
  package enum Alphabet: Hashable, Sendable {
    /// The default alphabet, in units of 7 bits.
    case gsm7
    /// UTF-16, where any character isn't in the default alphabet.
    case ucs2
  }

  package let alphabet: Alphabet
  /// Septets, where a character of the extension table counts two; or units of UTF-16.
  package let units: Int
  /// One part takes 160 septets or 70 units; of several each takes 153 or 67, and no character is
  /// divided between two.
  package let segments: Int

  package init(_ text: String) {
    var widths: [Int] = []
    for scalar in text.unicodeScalars {
      guard let width = Self.septets(scalar) else { break }
      widths.append(width)
    }
    let isDefault = widths.count == text.unicodeScalars.count
    if !isDefault { widths = text.unicodeScalars.map { $0.value > 0xFFFF ? 2 : 1 } }
    alphabet = isDefault ? .gsm7 : .ucs2
    units = widths.reduce(0, +)
    segments = Self.segments(widths, alone: isDefault ? 160 : 70, joined: isDefault ? 153 : 67)
  }

  private static func segments(_ widths: [Int], alone: Int, joined: Int) -> Int {
    if widths.reduce(0, +) <= alone { return 1 }
    var (segments, room) = (1, joined)
    for width in widths {
      if width > room {
        segments += 1
        room = joined
      }
      room -= width
    }
    return segments
  }

  private static func septets(_ scalar: Unicode.Scalar) -> Int? {
    if basic.contains(scalar) { return 1 }
    return extended.contains(scalar) ? 2 : nil
  }

  private static let basic: Set<Unicode.Scalar> = Set(
    ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
      + "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà").unicodeScalars)
  private static let extended: Set<Unicode.Scalar> = Set("\u{0C}^{}\\[~]|€".unicodeScalars)
}
