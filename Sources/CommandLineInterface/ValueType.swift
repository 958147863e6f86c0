/// How the text of an argument or option becomes a value, and how to say which texts do.
package struct ValueType<Value: Sendable>: Sendable {
  /// Completes "it takes …": "a whole number from 1 to 100".
  package let expectation: String
  /// All texts that are accepted, where they are few; otherwise empty.
  package let choices: [String]
  /// Whether `-` is accepted and means standard input.
  package let takesStandardInput: Bool
  /// The value that a text spells, or `nil`; it is asked more than once, and answers the same.
  package let read: @Sendable (String) -> Value?

  package init(
    _ expectation: String, choices: [String] = [], takesStandardInput: Bool = false,
    read: @escaping @Sendable (String) -> Value?
  ) {
    self.expectation = expectation
    self.choices = choices
    self.takesStandardInput = takesStandardInput
    self.read = read
  }

  /// The value of a text that the parser accepted.
  func value(of text: String) -> Value {
    guard let value = read(text) else {
      fatalError("invariant broken: '\(text)' was accepted, but isn't \(expectation)")
    }
    return value
  }
}

extension ValueType<String> {
  /// Any text but the empty one, which in practice is a script's variable that isn't set.
  package static var text: Self {
    ValueType("a text that isn't empty") { $0.isEmpty ? nil : $0 }
  }
}

extension ValueType<Int> {
  /// A whole number in decimal digits.
  package static func integer(_ range: ClosedRange<Int>) -> Self {
    ValueType("a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
      guard text.utf8.first != UInt8(ascii: "+"), let number = Int(text), range.contains(number)
      else { return nil }
      return number
    }
  }
}

extension ValueType
where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  /// One of an enumeration's raw values, spelled exactly.
  package static func oneOf(_: Value.Type) -> Self {
    let choices = Value.allCases.map(\.rawValue)
    return ValueType("one of \(choices.joined(separator: ", "))", choices: choices) { text in
      Value.allCases.first { $0.rawValue.utf8.elementsEqual(text.utf8) }
    }
  }
}

/// A number of bytes, never negative.
package struct ByteCount: Hashable, Sendable {
  package let bytes: Int

  package init?(bytes: Int) {
    guard bytes >= 0 else { return nil }
    self.bytes = bytes
  }

  /// Reads `65536`, `64K` or `64KiB`: K, M, G and T are powers of 1,024.
  ///
  /// `64KB` is refused, because readers differ on whether it means 64,000.
  package init?(_ text: String) {
    let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard let number = Int(String(Substring(digits))) else { return nil }
    let shift: Int
    switch String(Substring(text.utf8.dropFirst(digits.count))) {
    case "": shift = 0
    case "K", "KiB": shift = 10
    case "M", "MiB": shift = 20
    case "G", "GiB": shift = 30
    case "T", "TiB": shift = 40
    default: return nil
    }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
    guard !overflow else { return nil }
    self.bytes = bytes
  }
}

extension ValueType<ByteCount> {
  /// A size, with K, M, G and T as powers of 1,024.
  package static var byteCount: Self {
    ValueType("a number of bytes, such as 65536, 64K or 64KiB") { ByteCount($0) }
  }
}

/// Where a command reads from.
package enum Input: Hashable, Sendable {
  case standardInput
  case file(String)
}

extension ValueType<Input> {
  /// The path of a file, or `-` for standard input.
  package static var input: Self {
    ValueType("a path, or - for standard input", takesStandardInput: true) { text in
      if text.isEmpty { return nil }
      return text.utf8.elementsEqual("-".utf8) ? .standardInput : .file(text)
    }
  }
}
