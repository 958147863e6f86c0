/// `text` with everything that could steer a terminal or hide in it spelled out as `\u{…}`.
///
/// Escaped are the controls (C0, DEL, C1, so also every newline), line and paragraph separators,
/// and all characters that take no room of their own: bidirectional overrides, zero-width spaces
/// and joiners, tags, variation selectors. Combining accents stay. The backslash isn't escaped, so
/// that escaping twice changes nothing: the result is for eyes, not for reading back.
package func terminalSafe(_ text: String) -> String {
  if text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return text }
  var safe = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    if isHarmless(scalar) {
      safe.append(scalar)
    } else {
      safe.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
    }
  }
  return String(safe)
}

private func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
  if scalar.isASCII { return (0x20..<0x7F).contains(scalar.value) }
  return switch scalar.properties.generalCategory {
  case .control, .format, .lineSeparator, .paragraphSeparator: false
  default: !scalar.properties.isDefaultIgnorableCodePoint
  }
}
