import Bytes
import Events

private let nameBytes = 256

extension UserGroupDefined {
  init(_ entry: FieldReading) throws(RequestError) {
    try entry.allowOnly(["id", "name"])
    self.init(id: try entry.id("id"), name: try entry.printable("name", limit: nameBytes))
  }
}

extension MarketEventTypeDefined {
  init(_ entry: FieldReading) throws(RequestError) {
    try entry.allowOnly(["id", "name", "user_group_ids"])
    let groups = try entry.optionalIDs("user_group_ids", limit: CatalogueDocument.nameLimit)
    guard let groups else { throw entry.failure("user_group_ids", .missing) }
    self.init(
      id: try entry.id("id"), name: try entry.printable("name", limit: nameBytes),
      userGroupIDs: SortedSet(groups))
  }
}

extension ProgramDefined {
  init(_ entry: FieldReading) throws(RequestError) {
    try entry.allowOnly([
      "id", "name", "time_zone", "communication_codes", "lead_time", "enrollment_required",
      "unknown_outcome", "late_notice", "event_type_ids", "cancel_deadline", "caps", "quiet_hours",
      "escalation", "retention", "test_recipients_only", "attributes",
    ])
    let id = try entry.id("id")
    let name = try entry.printable("name", limit: nameBytes)
    let zone: ZoneName? = try entry.optional("time_zone", .timeZone)
    guard let zone else { throw entry.failure("time_zone", .missing) }
    self.init(
      id: id, name: name, timeZone: zone, communicationCodes: try Self.codes(of: entry),
      leadTime: try entry.optionalDuration("lead_time") ?? Self.noLeadTime,
      enrollmentRequired: try entry.bool("enrollment_required", default: false),
      unknownOutcome: try entry.optionalWord("unknown_outcome") ?? .hold,
      lateNotice: try entry.optionalWord("late_notice") ?? .send,
      eventTypeIDs: try entry.optionalIDs("event_type_ids", limit: CatalogueDocument.nameLimit)
        .map { SortedSet($0) },
      cancelDeadline: try entry.optionalDuration("cancel_deadline"),
      caps: try entry.part("caps").map { part throws(RequestError) in try ProgramCaps(part) },
      quietHours: try entry.part("quiet_hours").map { part throws(RequestError) in
        try QuietHours(part)
      },
      escalation: try entry.part("escalation").map { part throws(RequestError) in
        try Escalation(part)
      },
      retention: try entry.optionalPeriod("retention"),
      testRecipientsOnly: try entry.optionalBool("test_recipients_only"),
      attributes: try entry.optionalObject(
        "attributes", limitBytes: CatalogueDocument.attributeBytes))
  }

  private static func codes(of entry: FieldReading) throws(RequestError) -> [ChannelCode] {
    let key = "communication_codes"
    let elements = try entry.optionalList(key, limit: CatalogueDocument.channelLimit)
    guard let elements else { throw entry.failure(key, .missing) }
    guard !elements.isEmpty else {
      throw entry.failure(key, .badValue(found: "[]", expected: .notEmpty))
    }
    var codes: [ChannelCode] = []
    for (json, path) in elements {
      let code = try FieldReading.channel(try FieldReading.string(json, at: path), at: path)
      if let first = codes.firstIndex(of: code) {
        throw RequestError(
          path: path, problem: .duplicate(first: "\(entry.path(of: key))[\(first)]"))
      }
      codes.append(code)
    }
    return codes
  }

  private static var noLeadTime: ISODuration {
    guard let none = ISODuration("PT0S") else {
      fatalError("invariant broken: PT0S is no duration")
    }
    return none
  }
}

extension CatalogueUser {
  init(_ entry: FieldReading) throws(RequestError) {
    try entry.allowOnly([
      "id", "name", "user_group_ids", "program_ids", "time_zone", "language", "contacts",
      "opt_outs", "test_recipient",
    ])
    let limit = CatalogueDocument.nameLimit
    id = try entry.id("id")
    name = try entry.printable("name", limit: nameBytes, isPersonal: true)
    userGroupIDs = try entry.optionalIDs("user_group_ids", limit: limit) ?? []
    programIDs = try entry.optionalIDs("program_ids", limit: limit)
    timeZone = try entry.optional("time_zone", .timeZone)
    language = try entry.optionalString("language")
    if let language, !Self.isLanguageTag(language) {
      throw entry.failure("language", .badValue(found: language, expected: .language))
    }
    isTestRecipient = try entry.optionalBool("test_recipient")
    contacts = try Self.contacts(of: entry)
    optOuts = try Self.optOuts(of: entry)
  }

  private static func contacts(of entry: FieldReading) throws(RequestError) -> [CatalogueContact] {
    guard let json = entry.optionalJSON("contacts") else { return [] }
    let reading = try FieldReading(json, at: entry.path(of: "contacts"))
    let members = reading.object.members
    guard members.count <= CatalogueDocument.channelLimit else {
      throw entry.failure(
        "contacts",
        .badValue(
          found: "\(members.count) entries",
          expected: .entries(limit: CatalogueDocument.channelLimit)))
    }
    var contacts: [CatalogueContact] = []
    for member in members {
      let path = reading.path(of: shownKey(member.key))
      let channel = try FieldReading.channel(member.key, at: path)
      let address = try FieldReading.string(member.value, at: path)
      guard address.utf8.count <= AddressRules.limitBytes else {
        throw RequestError(
          path: path,
          problem: .badValue(found: nil, expected: .bytes(limit: AddressRules.limitBytes)))
      }
      contacts.append(
        CatalogueContact(
          channel: channel, address: address,
          problem: AddressRules.problem(of: address, on: channel)))
    }
    return contacts.sorted { $0.channel < $1.channel }
  }

  private static func optOuts(of entry: FieldReading) throws(RequestError) -> [OptOutScope]? {
    let elements = try entry.optionalList("opt_outs", limit: CatalogueDocument.nameLimit)
    guard let elements else { return nil }
    var scopes: [OptOutScope] = []
    for (json, path) in elements {
      let reading = try FieldReading(json, at: path)
      try reading.allowOnly(["channel", "program_id"])
      let scope = OptOutScope(
        programID: try reading.optionalJSON("program_id").map { json throws(RequestError) in
          try FieldReading.id(json, at: reading.path(of: "program_id"))
        },
        channel: try reading.optional("channel", .channelCode))
      if let first = scopes.firstIndex(of: scope) {
        throw RequestError(
          path: path, problem: .duplicate(first: "\(entry.path(of: "opt_outs"))[\(first)]"))
      }
      scopes.append(scope)
    }
    return scopes
  }

  /// Letters, then parts of letters and digits behind hyphens (RFC 5646 §2.1, without its
  /// registry).
  static func isLanguageTag(_ text: String) -> Bool {
    func isLetter(_ byte: UInt8) -> Bool {
      (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
    let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    return text.utf8.count <= 35 && (2...8).contains(parts[0].count)
      && parts[0].allSatisfy(isLetter)
      && parts.dropFirst().allSatisfy { part in
        (1...8).contains(part.count) && part.allSatisfy { isLetter($0) || decimalValue($0) != nil }
      }
  }
}

extension FieldReading {
  /// The channel's code that `text` must be.
  static func channel(_ text: String, at path: String) throws(RequestError) -> ChannelCode {
    guard let code = ChannelCode(text) else {
      throw RequestError(path: path, problem: .badValue(found: text, expected: .channelCode))
    }
    return code
  }
}
