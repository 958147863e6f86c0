package import Bytes
package import Events

/// A time as somebody typed it into a request.
package struct TypedTime: Equatable, Sendable {
  /// As typed, to the byte.
  package let text: String
  package let reading: Reading

  package enum Reading: Hashable, Sendable {
    /// RFC 3339: an instant by itself.
    case instant(Instant)
    /// `MM/DD/YYYY HH:MM` on a clock of the program's zone.
    case local(CivilTime)
  }

  /// Reads either form; `nil` where it is neither, or where the calendar has no such day.
  package init?(_ text: String) {
    if let time = OffsetTime(text: text.utf8) {
      reading = .instant(time.instant)
    } else if let civil = Self.local(text) {
      reading = .local(civil)
    } else {
      return nil
    }
    self.text = text
  }

  private static func local(_ text: String) -> CivilTime? {
    var scanner = FieldScanner(Array(text.utf8))
    guard let month = scanner.digits(2), scanner.take("/"), let day = scanner.digits(2),
      scanner.take("/"), let year = scanner.digits(4), scanner.take(" "),
      let hour = scanner.digits(2), scanner.take(":"), let minute = scanner.digits(2),
      scanner.isAtEnd
    else { return nil }
    let civil = CivilTime(year: year, month: month, day: day, hour: hour, minute: minute)
    return civil.isValid ? civil : nil
  }

  /// What the text means where the zone's rules are known.
  package enum Meaning: Equatable, Sendable {
    case moment(ZonedMoment)
    /// Clocks were set forward over it.
    case gap
    /// Clocks were set back over it, and nobody said which occurrence is meant.
    case ambiguous(first: Instant, second: Instant)
  }

  /// The moment that is meant, and with which knowledge.
  ///
  /// `fold` decides between two occurrences only; the moment holds it only where it did.
  package func meaning(
    in zone: ZoneName, rules: ZoneRules, tzdata: String, fold: Fold?
  ) -> Meaning {
    func moment(_ instant: Instant, _ fold: Fold? = nil) -> Meaning {
      .moment(
        ZonedMoment(
          instant: instant, zone: zone, text: text, offsetSeconds: rules.offset(at: instant),
          tzdata: tzdata, fold: fold))
    }
    switch reading {
    case .instant(let instant): return moment(instant)
    case .local(let civil):
      switch (rules.resolve(civil), fold) {
      case (.unique(let instant), _): return moment(instant)
      case (.gap, _): return .gap
      case (.fold(let first, _), .first?): return moment(first, .first)
      case (.fold(_, let second), .second?): return moment(second, .second)
      case (.fold(let first, let second), nil): return .ambiguous(first: first, second: second)
      }
    }
  }

  /// Whether this time comes after `other` in any zone, where that can be told without one.
  ///
  /// On the clocks of one zone, with one choice for all folds, a later reading is a later instant.
  func isAfter(_ other: TypedTime) -> Bool? {
    switch (reading, other.reading) {
    case (.instant(let one), .instant(let other)): one > other
    case (.local(let one), .local(let other)): one.secondsFromEpoch > other.secondsFromEpoch
    case (.instant, .local), (.local, .instant): nil
    }
  }
}
