"""Who may do what: users, roles, sessions, keys, one-time codes, the audit trail."""
