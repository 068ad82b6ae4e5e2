--- Questions of the server: announced once, answered by `:Tagout approve` and `:Tagout deny` or by a choice.
local M = {}

---@type table<integer, table<string, boolean>> by client: decisions that were announced
local announced = {}

--- Announces what is asked and was not announced yet.
---@param client_id integer
---@param overview table
function M.announce(client_id, overview)
  local before, now = announced[client_id] or {}, {}
  for _, question in ipairs(overview.questions or {}) do
    now[question.decision] = true
    if not before[question.decision] and require('tagout.settings').get().announce then
      local text = 'tagout asks (:Tagout approve or :Tagout deny): %s'
      require('tagout.messages').show(text:format(question.what), vim.log.levels.WARN)
    end
  end
  announced[client_id] = now
end

function M.forget(client_id) announced[client_id] = nil end

local function all()
  local found = {}
  for _, one in ipairs(require('tagout.overview').all()) do
    for _, question in ipairs(one.overview.questions or {}) do
      table.insert(found, { client = one.client, question = question })
    end
  end
  return found
end

local function with_question(run)
  local client = require('tagout.client')
  local show = function(item) return ('%s (%s)'):format(item.question.what, item.question.reason) end
  client.choose(all(), 'Which question?', show, run, 'nothing is asked at the moment')
end

local function approve(item, term)
  require('tagout.client').send(item.client, 'tagout.approve', { decision = item.question.decision, term = term })
end

local function deny(item, reason)
  local argument = { decision = item.question.decision, reason = reason ~= '' and reason or nil }
  require('tagout.client').send(item.client, 'tagout.deny', argument)
end

--- What is asked, whole: nothing is cut, and no sign in it steers the terminal or passes for a line of ours.
---@param question table
---@return string
function M.text(question)
  local function indented(text)
    local lines = vim.split(text, '\n', { plain = true })
    return '    ' .. table.concat(vim.tbl_map(vim.fn.strtrans, lines), '\n    ')
  end
  local place = question.root and (' in ' .. vim.fn.strtrans(question.root)) or ''
  return ('tagout asks%s:\n%s\nbecause:\n%s\n'):format(place, indented(question.what), indented(question.reason))
end

--- Shows the whole question and offers `choices`, of which none is taken by <CR>. It is Neovim's own dialog and not
--- |vim.ui.select()|, as what stands in the latter's place may cut a prompt to the width of its window.
---@param item table
---@param choices { title: string, run: fun() }[]
local function offer(item, choices)
  local buttons = {}
  for number, choice in ipairs(choices) do
    table.insert(buttons, ('&%d %s'):format(number, choice.title))
  end
  local more = vim.o.more
  vim.o.more = true -- else what is longer than the screen runs through
  local shown, number = pcall(vim.fn.confirm, M.text(item.question), table.concat(buttons, '\n'), 0, 'Question')
  vim.o.more = more
  local chosen = shown and choices[number]
  if chosen then chosen.run() end
end

--- Offers every answer to a question; none is given when nothing is chosen.
function M.answer()
  with_question(function(item)
    local choices = vim.tbl_map(
      function(offered) return { title = offered.title, run = function() approve(item, offered.term) end } end,
      item.question.terms
    )
    table.insert(choices, { title = 'deny', run = function() deny(item) end })
    offer(item, choices)
  end)
end

--- Says yes for the term that is named, after the question was shown: an announcement is cut to the screen, and another
--- question may have come since. Without a term every answer is offered.
---@param term string?
function M.approve(term)
  if not term then return M.answer() end
  with_question(function(item)
    for _, offered in ipairs(item.question.terms) do
      if offered.term == term then
        local yes = { title = offered.title, run = function() approve(item, term) end }
        return offer(item, { yes, { title = 'leave it open', run = function() end } })
      end
    end
    local terms = vim.tbl_map(function(offered) return offered.term end, item.question.terms)
    local text = ('this can be approved %s, not %s'):format(table.concat(terms, ' or '), term)
    require('tagout.client').say(text, vim.log.levels.WARN)
  end)
end

--- Says no, with a reason for the record if there is one.
---@param reason string?
function M.deny(reason)
  with_question(function(item) deny(item, reason) end)
end

return M
