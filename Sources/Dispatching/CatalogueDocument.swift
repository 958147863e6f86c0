package import Bytes
package import Events

/// Programs, market event types, groups, users, templates and rules, as one document defines or
/// changes them.
///
/// Every list is optional, and an entry is the whole of what it defines, not a change to it. What
/// isn't listed stays as it is.
package struct CatalogueDocument: Equatable, Sendable {
  package let userGroups: [UserGroupDefined]
  package let eventTypes: [MarketEventTypeDefined]
  package let programs: [ProgramDefined]
  package let users: [CatalogueUser]
  package let templates: [CataloguePublication<TemplatePublished>]
  package let rules: [CataloguePublication<CatalogueRule>]
  /// The document as it was given, defaults not filled in.
  package let document: JSONObject

  /// The most entries that one list may have; what is more than a commit takes is imported in parts.
  static let entryLimit = 1_048_576
  /// The most groups, programs, types, channels or opt-outs that one entry may name.
  static let nameLimit = 256
  static let channelLimit = 16
  static let attributeBytes = 16_384

  /// Parses the JSON text of a catalogue.
  package init(parsing bytes: [UInt8]) throws(RequestError) {
    try self.init(try JSON.document(bytes))
  }

  /// Refuses what it doesn't know, with the path of it: a catalogue has no attributes but a
  /// program's.
  package init(_ object: JSONObject) throws(RequestError) {
    let reading = FieldReading(object, at: "")
    try reading.allowOnly([
      "programs", "event_types", "user_groups", "users", "templates", "rules",
    ])
    userGroups = try Self.entries("user_groups", of: reading, id: \.id) {
      entry throws(RequestError) in try UserGroupDefined(entry)
    }
    eventTypes = try Self.entries("event_types", of: reading, id: \.id) {
      entry throws(RequestError) in try MarketEventTypeDefined(entry)
    }
    programs = try Self.entries("programs", of: reading, id: \.id) {
      entry throws(RequestError) in try ProgramDefined(entry)
    }
    users = try Self.entries("users", of: reading, id: \.id) {
      entry throws(RequestError) in try CatalogueUser(entry)
    }
    templates = try Self.entries("templates", of: reading, id: \.id) {
      entry throws(RequestError) in try CataloguePublication<TemplatePublished>(entry)
    }
    rules = try Self.entries("rules", of: reading, id: \.id) {
      entry throws(RequestError) in try CataloguePublication<CatalogueRule>(entry)
    }
    document = object
  }

  /// How many entries there are in all lists.
  package var count: Int {
    userGroups.count + eventTypes.count + programs.count + users.count + templates.count
      + rules.count
  }

  /// Some of the entries, counted from 0 over user groups, event types, programs, users, templates
  /// and rules.
  ///
  /// What an entry refers to comes in a list before its own, so that parts can be imported one after
  /// another.
  package func part(_ range: Range<Int>) -> CatalogueDocument {
    CatalogueDocument(self, range)
  }

  private init(_ whole: CatalogueDocument, _ range: Range<Int>) {
    var part = JSONObject()
    var start = 0
    func slice<Entry>(_ key: String, _ entries: [Entry]) -> [Entry] {
      let places = range.clamped(to: start..<start + entries.count)
      let local = places.lowerBound - start..<places.upperBound - start
      start += entries.count
      if !local.isEmpty, case .array(let elements)? = whole.document[key] {
        part[key] = .array(Array(elements[local]))
      }
      return Array(entries[local])
    }
    userGroups = slice("user_groups", whole.userGroups)
    eventTypes = slice("event_types", whole.eventTypes)
    programs = slice("programs", whole.programs)
    users = slice("users", whole.users)
    templates = slice("templates", whole.templates)
    rules = slice("rules", whole.rules)
    document = part
  }

  private static func entries<Entry>(
    _ key: String, of reading: FieldReading, id: (Entry) -> EntityID,
    _ parse: (FieldReading) throws(RequestError) -> Entry
  ) throws(RequestError) -> [Entry] {
    var entries: [Entry] = []
    var seen: [EntityID: String] = [:]
    for (json, path) in try reading.optionalList(key, limit: entryLimit) ?? [] {
      let entry = try parse(try FieldReading(json, at: path))
      if let first = seen.updateValue(path, forKey: id(entry)) {
        throw RequestError(path: path, problem: .duplicate(first: first))
      }
      entries.append(entry)
    }
    return entries
  }
}

/// A user as a catalogue defines it, with names and addresses still readable.
package struct CatalogueUser: Equatable, Sendable {
  package let id: EntityID
  package let name: String
  package let userGroupIDs: [EntityID]
  /// Ascending by channel.
  package let contacts: [CatalogueContact]
  package let timeZone: ZoneName?
  package let language: String?
  /// Whether drills reach the user where they reach test recipients only.
  package let isTestRecipient: Bool?
  /// The programs that the user belongs to and no other; absent: enrollments stay as they are.
  package let programIDs: [EntityID]?
  /// All that the user refuses and nothing else; absent: opt-outs stay as they are.
  package let optOuts: [OptOutScope]?
}

/// An address of a user, and what is wrong with it.
package struct CatalogueContact: Equatable, Sendable {
  package let channel: ChannelCode
  package let address: String
  package let problem: AddressProblem?
}

/// What an opt-out refuses.
package struct OptOutScope: Hashable, Sendable {
  /// Absent: of all programs.
  package let programID: EntityID?
  /// Absent: on all channels.
  package let channel: ChannelCode?

  package init(programID: EntityID? = nil, channel: ChannelCode? = nil) {
    self.programID = programID
    self.channel = channel
  }

  /// Whether it refuses notices of `program` on `channel`.
  package func refuses(_ program: EntityID, on channel: ChannelCode) -> Bool {
    (programID ?? program) == program && (self.channel ?? channel) == channel
  }

  /// Whether it refuses all notices of `program`, on whatever channel.
  package func refusesAll(of program: EntityID) -> Bool {
    channel == nil && (programID ?? program) == program
  }
}
