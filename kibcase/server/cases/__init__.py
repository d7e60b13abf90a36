"""Cases, attachments, user actions, configuration, spaces: state and rules that know no HTTP."""
