--- What `vim.g.tagout` says, with what holds where it says nothing. It is read when it is needed, so that a change counts
--- at once. A value of the wrong type is named once, and the default holds in its place.
local M = {}

---@class tagout.Settings
---@field command string[] the program, and arguments before `lsp`
---@field announce boolean whether questions are announced by |vim.notify()|
---@field enable boolean whether the server is started for the files that are opened

---@return tagout.Settings
local function defaults() return { command = { 'tagout' }, announce = true, enable = true } end

local told = {}

local function complain(text)
  if told[text] then return end
  told[text] = true
  vim.notify('tagout: ' .. text, vim.log.levels.WARN)
end

local function is_command(value)
  if type(value) == 'string' then return value ~= '' end
  if type(value) ~= 'table' or not vim.islist(value) or #value == 0 then return false end
  return vim.iter(value):all(function(word) return type(word) == 'string' end) and value[1] ~= ''
end

local function is_boolean(value) return type(value) == 'boolean' end

local CHECKS = {
  command = { fits = is_command, wanted = 'a string or a list of strings' },
  announce = { fits = is_boolean, wanted = 'true or false' },
  enable = { fits = is_boolean, wanted = 'true or false' },
}

--- The settings that hold now, and what is wrong with those that were given.
---@return tagout.Settings, string[]
function M.read()
  local settings, problems = defaults(), {}
  local given = vim.g.tagout
  if given ~= nil and type(given) ~= 'table' then
    return settings, { 'vim.g.tagout is no table: ' .. vim.inspect(given) }
  end
  for name, value in pairs(given or {}) do
    local check = CHECKS[name]
    if not check then
      local known = vim.tbl_keys(CHECKS)
      table.sort(known)
      table.insert(problems, ('vim.g.tagout.%s is no setting: there are %s'):format(name, table.concat(known, ', ')))
    elseif check.fits(value) then
      settings[name] = value
    else
      table.insert(problems, ('vim.g.tagout.%s has to be %s: %s'):format(name, check.wanted, vim.inspect(value)))
    end
  end
  if type(settings.command) == 'string' then settings.command = { settings.command } end
  settings.command[1] = vim.fs.normalize(settings.command[1]) -- `~` is known to shells alone
  table.sort(problems)
  return settings, problems
end

--- The settings that hold now; what is wrong is said once.
---@return tagout.Settings
function M.get()
  local settings, problems = M.read()
  vim.iter(problems):each(complain)
  return settings
end

return M
