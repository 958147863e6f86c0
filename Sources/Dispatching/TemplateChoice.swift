import Bytes
package import Events

/// What a notice is for, as templates are chosen by.
package struct TemplateUse: Hashable, Sendable {
  package var programID: EntityID
  package var eventTypeID: EntityID
  package var channel: ChannelCode
  /// The user's, where it is known.
  package var language: String?
  package var kind: NoticeKind

  package init(
    programID: EntityID, eventTypeID: EntityID, channel: ChannelCode, language: String?,
    kind: NoticeKind
  ) {
    self.programID = programID
    self.eventTypeID = eventTypeID
    self.channel = channel
    self.language = language
    self.kind = kind
  }
}

/// A notice's text, and what it was made from.
package struct ComposedNotice: Hashable, Sendable {
  package let version: TemplateVersion
  package let text: NoticeText
}

extension NoticeContent {
  /// The text by the nearest of `templates`, which stand by id, else by `builtin/1`; the withdrawn
  /// ones aren't used.
  ///
  /// Which is nearest is in `EVENTS.md`, "Templates". A template that can't be read, which none is
  /// that was published by these rules, is passed over.
  package func composed(
    by templates: [Defined<TemplatePublished>], for use: TemplateUse
  ) -> ComposedNotice {
    let fitting = templates.enumerated().compactMap { index, candidate in
      candidate.retired != nil
        ? nil : candidate.definition.rank(for: use).map { (rank: $0, index: index) }
    }
    for one in fitting.sorted(by: { ($0.rank, $1.index) > ($1.rank, $0.index) }) {
      if let template = try? NoticeTemplate(checked: templates[one.index].definition),
        let text = try? template.render(self)
      {
        return ComposedNotice(version: template.version, text: text)
      }
    }
    return ComposedNotice(version: .builtin, text: builtinText())
  }
}

extension TemplatePublished {
  /// How near it is to the use, or `nil` where it isn't for it: what names the program is nearer
  /// than what doesn't, whatever else; then the event type, the channel, the language, the kinds.
  func rank(for use: TemplateUse) -> Int? {
    var rank = 0
    func narrows(_ isNamed: Bool, _ fits: Bool) -> Bool {
      rank = rank * 2 + (isNamed ? 1 : 0)
      return !isNamed || fits
    }
    guard narrows(programID != nil, programID == use.programID),
      narrows(eventTypeID != nil, eventTypeID == use.eventTypeID),
      narrows(channel != nil, channel == use.channel),
      language.map({ fits($0, use.language) }) ?? true
    else { return nil }
    // The whole tag is nearer than its first part.
    rank = rank * 3 + (language.map { isSame($0, use.language) ? 2 : 1 } ?? 0)
    guard narrows(kinds != nil, kinds?.contains(use.kind) ?? false) else { return nil }
    return rank
  }

  /// A template in `en` is for users of `en` and `en-GB`, one in `en-GB` for those of `en-GB` only.
  private func fits(_ language: String, _ used: String?) -> Bool {
    guard let used else { return false }
    let (mine, theirs) = (language.lowercased(), used.lowercased())
    return sameBytes(mine, theirs) || theirs.utf8.starts(with: "\(mine)-".utf8)
  }

  private func isSame(_ language: String, _ used: String?) -> Bool {
    used.map { sameBytes(language.lowercased(), $0.lowercased()) } ?? false
  }
}
