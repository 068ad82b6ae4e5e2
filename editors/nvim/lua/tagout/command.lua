--- `:Tagout SUBCOMMAND …`: what there is, and what completes it. What each does is in |tagout.actions|.
local M = {}

local MODES = { 'read-only', 'workspace-write', 'unrestricted' }
local PARTS = { 'hunk', 'file', 'all' }

-- Outside quotes these mean something to a shell, which then has to read the line.
local FOR_A_SHELL = '[|&;<>()$`*?%[%]#~{}!\n]'

--- Splits as a shell does: by white space, with single and double quotes and backslashes.
---@param text string
---@return string[]? words
---@return string? problem
---@return boolean for_shell whether something in there means more to a shell
local function split(text)
  local words, word, quote, at, for_shell = {}, nil, nil, 1, false
  while at <= #text do
    local sign, following = text:sub(at, at), text:sub(at + 1, at + 1)
    -- Inside double quotes a backslash is one like any other, unless it stands before what means something there.
    local escapes = sign == '\\' and following ~= '' and quote ~= "'" and (not quote or following:find('["\\$`]') ~= nil)
    if escapes then
      word, at = (word or '') .. following, at + 1
    elseif quote and sign == quote then
      quote = nil
    elseif quote then
      for_shell = for_shell or (quote == '"' and sign:find('[$`]') ~= nil)
      word = word .. sign
    elseif sign == '"' or sign == "'" then
      quote, word = sign, word or ''
    elseif sign:find('%s') and sign ~= '\n' then
      table.insert(words, word)
      word = nil
    else
      for_shell = for_shell or sign:find(FOR_A_SHELL) ~= nil
      word = (word or '') .. sign
    end
    at = at + 1
  end
  if quote then return nil, ('a quote is not closed: %s'):format(text), false end
  table.insert(words, word)
  return words, nil, for_shell
end

--- The words of a line.
---@param text string
---@return string[]?, string?
function M.words(text)
  local words, problem = split(text)
  return words, problem
end

--- The words of a command, or `sh -c LINE` where only a shell knows what the line means.
---@param line string
---@return string[]?, string?
function M.argv(line)
  local words, problem, for_shell = split(line)
  if not words then return nil, problem end
  -- `NAME=value make` is an assignment before a command.
  local assigns = words[1] ~= nil and words[1]:find('^[%a_][%w_]*=') ~= nil
  return (for_shell or assigns) and { 'sh', '-c', line } or words
end

local function starting(list, lead)
  return vim.tbl_filter(function(item) return vim.startswith(item, lead) end, list)
end

--- Values of `field` in a list of every server's overview.
local function told(list, field)
  return function()
    local found = {}
    for _, one in ipairs(require('tagout.overview').all()) do
      for _, item in ipairs(one.overview[list] or {}) do
        table.insert(found, tostring(item[field]))
      end
    end
    return found
  end
end

local function terms()
  local found = {}
  for _, one in ipairs(require('tagout.overview').all()) do
    for _, question in ipairs(one.overview.questions or {}) do
      for _, offered in ipairs(question.terms) do
        if not vim.list_contains(found, offered.term) then table.insert(found, offered.term) end
      end
    end
  end
  return found
end

local function of(list) return function() return list end end

--- Every subcommand: what it does, what completes its first argument. One that is `raw` takes the rest of the line as
--- it stands.
---@type table<string, { about: string, complete: (fun(lead: string): string[])?, raw: boolean? }>
M.SUBCOMMANDS = {
  accept = { about = 'accepts the hunk at the cursor, the file, or all', complete = of(PARTS) },
  answer = { about = 'offers every answer to a question' },
  approve = { about = 'answers a question with yes', complete = terms },
  cancel = { about = 'stops a job', complete = told('jobs', 'job') },
  changes = { about = 'lists what is proposed and what can be undone' },
  check = { about = "runs the project's checks over a changeset", complete = told('changes', 'changeset') },
  deny = { about = 'answers a question with no; the rest is the reason', raw = true },
  diff = { about = 'opens the diff of a changeset', complete = told('changes', 'changeset') },
  history = { about = 'shows what became of every changeset' },
  index = { about = 'looks for files that changed' },
  log = { about = 'shows what was asked, judged and done' },
  messages = { about = 'shows what the server said' },
  mode = { about = 'shows or switches the mode of the folder', complete = of(MODES) },
  open = { about = 'starts tagout for a folder', complete = function(lead) return vim.fn.getcompletion(lead, 'dir') end },
  output = { about = 'shows what the last command printed' },
  pack = { about = 'shows what a task needs to be seen, as Markdown', raw = true },
  recipe = {
    about = 'proposes what a recipe does',
    complete = function() return require('tagout.recipes').names() end,
  },
  reject = { about = 'rejects the hunk at the cursor, the file, or all', complete = of(PARTS) },
  restart = { about = 'ends the servers and starts them again' },
  review = { about = 'opens the review', complete = told('changes', 'changeset') },
  revoke = { about = 'takes an approval back' },
  rewrite = { about = 'proposes PATTERN => REPLACEMENT in every file of the language', raw = true },
  run = {
    about = 'runs a command in the sandbox, or on the --host',
    raw = true,
    complete = function(lead)
      local flags = starting({ '--host', '--network' }, lead)
      return lead ~= '' and vim.list_extend(flags, vim.fn.getcompletion(lead, 'shellcmd')) or flags
    end,
  },
  search = { about = 'finds code by a name or a question', raw = true },
  status = { about = 'says how everything stands' },
  stop = { about = 'ends the servers' },
  trust = { about = 'trusts the folder as its settings are now' },
  undo = { about = 'takes a changeset back', complete = told('applied', 'changeset') },
}

local function complain(text) vim.notify('tagout: ' .. text, vim.log.levels.ERROR) end

--- Runs what stands after `:Tagout`; nothing there opens the review.
---@param call vim.api.keyset.create_user_command.command_args
function M.run(call)
  local name, rest = vim.trim(call.args):match('^(%S*)%s*(.*)$')
  if name == '' then name = 'review' end
  local subcommand = M.SUBCOMMANDS[name]
  if not subcommand then
    local known = vim.tbl_keys(M.SUBCOMMANDS)
    table.sort(known)
    return complain(('there is no :Tagout %s: there are %s'):format(name, table.concat(known, ', ')))
  end
  local arguments = { rest }
  if not subcommand.raw then
    local words, problem = M.words(rest)
    if not words then return complain(problem) end
    arguments = words
  end
  require('tagout.actions')[name](unpack(arguments))
end

--- Completes the command line.
---@param lead string
---@param line string
---@param column integer
---@return string[]
function M.complete(lead, line, column)
  local before = line:sub(1, column):gsub('^.-Tagout!?%s+', '', 1)
  local name = before:match('^(%S+)%s')
  if not name then
    local known = starting(vim.tbl_keys(M.SUBCOMMANDS), lead)
    table.sort(known)
    return known
  end
  local subcommand = M.SUBCOMMANDS[name]
  if not (subcommand and subcommand.complete) then return {} end
  return starting(subcommand.complete(lead), lead)
end

return M
